// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.ExtensionDescription;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Module;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Everything that plugins provide, by name. Immutable; the order is that of plugin ids, never that of the class path.
 */
public interface Catalog {

    /** The plugins, sorted by id. */
    List<PluginInfo> plugins();

    /**
     * Reports of what was found and left out: jars of plugins that hold none, and broken plugins where the policy
     * allows that.
     */
    List<Problem> issues();

    /** The backends, probed now, sorted by id. */
    List<BackendInfo> backends();

    /** The types of modules, sorted. */
    List<String> moduleTypes();

    /** The types of losses, sorted. */
    List<String> lossTypes();

    /** The types of extensions, sorted. */
    List<String> extensionTypes();

    /**
     * All services of a kind that a room on top of the kernel defines, sorted by name.
     *
     * @param kind the kind's interface
     */
    <S extends NamedService> List<S> services(Class<S> kind);

    /**
     * The service of a kind with a name.
     *
     * @param kind the kind's interface
     * @throws io.backpack4j.spi.BackpackException if there is none, with the names that there are
     */
    <S extends NamedService> S service(Class<S> kind, String name);

    /**
     * Makes a module.
     *
     * @param owner what the arguments belong to, for messages
     */
    Module module(String owner, String type, Map<String, ? extends @Nullable Object> arguments);

    /** Makes a loss. */
    Loss loss(LossDescription description);

    /** Makes an extension. */
    Extension<?> extension(String type, Map<String, ? extends @Nullable Object> options);

    /**
     * What an extension computes and which options it takes, as its plugin describes it.
     *
     * @throws io.backpack4j.spi.BackpackException if there is no such extension, with the names that there are
     */
    Optional<ExtensionDescription> description(String extensionType);

    /**
     * Makes a request; beside the extension's own options, {@code as} renames its results and {@code parameters}
     * selects.
     */
    Request<?> request(String type, Map<String, ? extends @Nullable Object> options);

    /** Makes a graph; all problems are reported together. */
    Graph graph(ModelDescription description);
}
