// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.kernel.internal.calls.CodeLocation;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.backend.BackendProvider;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A plugin with what it provides, read once.
 *
 * @param names what nobody else may provide, such as {@code Module 'Linear'}
 */
record LoadedPlugin(
        PluginDescriptor descriptor,
        String className,
        String location,
        List<ModuleProvider> modules,
        List<Fusion> fusions,
        List<LossProvider> losses,
        List<ExtensionProvider> extensions,
        List<BackendProvider> backends,
        List<NamedService> services,
        List<String> names) {

    /** Asks a plugin for everything; what it throws is the caller's to report. */
    static LoadedPlugin read(Plugin plugin, PluginDescriptor descriptor) {
        List<ModuleProvider> modules = List.copyOf(plugin.modules());
        List<LossProvider> losses = List.copyOf(plugin.losses());
        List<ExtensionProvider> extensions = List.copyOf(plugin.extensions());
        List<BackendProvider> backends = List.copyOf(plugin.backends());
        List<NamedService> services = List.copyOf(plugin.services());
        List<String> names = new ArrayList<>();
        names.add(named("Plugin", descriptor.id()));
        modules.forEach(provider -> names.add(named("Module", provider.type())));
        losses.forEach(provider -> names.add(named("Loss", provider.type())));
        extensions.forEach(provider -> names.add(named("Extension", provider.type())));
        backends.forEach(provider -> names.add(named("Backend", provider.id())));
        services.forEach(service -> names.add(named(capitalised(service.kind()), service.name())));
        return new LoadedPlugin(
                descriptor,
                plugin.getClass().getName(),
                CodeLocation.of(plugin.getClass()),
                modules,
                List.copyOf(plugin.fusions()),
                losses,
                extensions,
                backends,
                services,
                List.copyOf(names));
    }

    /** Nothing keeps a plugin that was compiled elsewhere from returning null. */
    private static String named(String kind, @Nullable String name) {
        if (name == null || name.isBlank()) {
            throw new IllegalArgumentException(
                    "it provides a %s without a name".formatted(kind.toLowerCase(Locale.ROOT)));
        }
        return "%s '%s'".formatted(kind, name);
    }

    private static String capitalised(@Nullable String kind) {
        if (kind == null || kind.isBlank()) {
            throw new IllegalArgumentException("it provides a service without a kind");
        }
        return Character.toUpperCase(kind.charAt(0)) + kind.substring(1);
    }
}
