// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import io.backpack4j.spi.backend.BackendProvider;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;

/**
 * The one service of this library: everything that a user can name comes from a plugin.
 *
 * <p>Implementations are public, have a public constructor without parameters, and are listed under {@code
 * META-INF/services} (annotate them with {@code @AutoService(Plugin.class)}). They are created once per loaded library,
 * are stateless, and may be called from any thread. A jar with such a plugin on the class path is all that a user
 * needs.
 *
 * <pre>{@code
 * public final class Activations implements Plugin {
 *
 *     public PluginDescriptor descriptor() {
 *         return new PluginDescriptor("activations", "1.0", SpiVersion.MAJOR);
 *     }
 *
 *     public List<ModuleProvider> modules() {
 *         return List.of(ModuleProvider.of("ReLU", arguments -> new ReLU()));
 *     }
 * }
 * }</pre>
 */
public interface Plugin {

    /** Identifies this plugin in reports. */
    PluginDescriptor descriptor();

    /** Provides module types, such as {@code Linear}. */
    default List<ModuleProvider> modules() {
        return List.of();
    }

    /** Provides loss types, such as {@code CrossEntropyLoss}. */
    default List<LossProvider> losses() {
        return List.of();
    }

    /** Provides extensions, such as {@code BatchGrad}. */
    default List<ExtensionProvider> extensions() {
        return List.of();
    }

    /** Provides modules that replace chains of others in a plan. */
    default List<Fusion> fusions() {
        return List.of();
    }

    /** Provides backends, such as {@code cpu}. */
    default List<BackendProvider> backends() {
        return List.of();
    }

    /** Provides services of kinds that other rooms define. */
    default List<NamedService> services() {
        return List.of();
    }
}
