// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.ModuleProvider;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Offers the compositions of these tests. It is a plugin only where {@link #loader} says so. */
public final class ComposingPlugin implements Plugin {

    @Override
    public PluginDescriptor descriptor() {
        return new PluginDescriptor("composing", "1", SpiVersion.MAJOR);
    }

    @Override
    public List<ModuleProvider> modules() {
        return List.of(
                ModuleProvider.of("GatedAttention", GatedAttention::of),
                ModuleProvider.of("GatedForever", arguments -> new GatedForever()),
                ModuleProvider.of("GatedBlock", arguments -> new GatedBlock(arguments.integer("features"))));
    }

    /** Contains itself. */
    private record GatedForever() implements Composition {
        @Override
        public CompositionGraph compose(List<Shape> inputs) {
            return CompositionGraph.builder()
                    .part("deeper", "GatedForever", Map.of(), CompositionGraph.input(0))
                    .build();
        }
    }

    /** The library with these compositions. */
    static BackPack open(Path folder) {
        try {
            Path services = folder.resolve("META-INF").resolve("services");
            Files.createDirectories(services);
            Files.writeString(services.resolve(Plugin.class.getName()), ComposingPlugin.class.getName());
            // Left open: classes of the parent need nothing of it after the plugins are found, and the test's folder
            // goes with it.
            ClassLoader loader =
                    new URLClassLoader(new URL[] {folder.toUri().toURL()}, ComposingPlugin.class.getClassLoader());
            return BackPack.builder()
                    .classLoader(loader)
                    .backend("cpu")
                    .threads(2)
                    .build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
