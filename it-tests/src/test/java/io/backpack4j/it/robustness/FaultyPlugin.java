// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.PluginDescriptor;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;
import io.backpack4j.testkit.heap.HeapBackendProvider;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.UnaryOperator;

/**
 * Offers backends with faults: {@code faulty-cpu} and {@code faulty-heap}; and {@code heap} without. It is a plugin
 * only where {@link #loader} says so.
 */
public final class FaultyPlugin implements Plugin {

    /** Puts faults into backends that open; for one thread of tests. */
    static UnaryOperator<Backend> faults = UnaryOperator.identity();

    @Override
    public PluginDescriptor descriptor() {
        return new PluginDescriptor("faulty", "1", io.backpack4j.spi.SpiVersion.MAJOR);
    }

    @Override
    public List<BackendProvider> backends() {
        List<BackendProvider> backends = new ArrayList<>(List.of(new HeapBackendProvider()));
        backends.add(new Provider(new HeapBackendProvider()));
        for (Plugin plugin : ServiceLoader.load(Plugin.class, BackPack.class.getClassLoader())) {
            if (!(plugin instanceof FaultyPlugin)) {
                plugin.backends().forEach(provider -> backends.add(new Provider(provider)));
            }
        }
        return backends;
    }

    /** A class loader in which this is a plugin. */
    static URLClassLoader loader(Path folder) throws IOException {
        Path services = folder.resolve("META-INF").resolve("services");
        Files.createDirectories(services);
        Files.writeString(services.resolve(Plugin.class.getName()), FaultyPlugin.class.getName());
        return new URLClassLoader(new URL[] {folder.toUri().toURL()}, FaultyPlugin.class.getClassLoader());
    }

    private record Provider(BackendProvider provider) implements BackendProvider {

        @Override
        public String id() {
            return "faulty-" + provider.id();
        }

        @Override
        public int priority() {
            return Integer.MIN_VALUE;
        }

        @Override
        public Availability probe() {
            return provider.probe();
        }

        @Override
        public Backend open(BackendConfiguration configuration) {
            return faults.apply(provider.open(configuration));
        }
    }
}
