package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.backend.BackendProvider;
import io.backpack4j.spi.extension.ExtensionProvider;
import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.ModuleProvider;
import java.util.List;

/** A plugin with what it provides, read once. */
record LoadedPlugin(
        PluginDescriptor descriptor,
        String className,
        String location,
        List<ModuleProvider> modules,
        List<Fusion> fusions,
        List<LossProvider> losses,
        List<ExtensionProvider> extensions,
        List<BackendProvider> backends) {}
