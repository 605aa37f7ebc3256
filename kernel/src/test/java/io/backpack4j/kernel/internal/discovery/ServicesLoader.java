// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.spi.Plugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;

/** A class loader that finds the given plugins and no others. */
final class ServicesLoader extends ClassLoader {

    private static final String SERVICE = "META-INF/services/" + Plugin.class.getName();

    private final URL services;

    ServicesLoader(Path folder, String... classNames) {
        super(ServicesLoader.class.getClassLoader());
        try {
            Path file = folder.resolve("services-" + List.of(classNames).hashCode());
            Files.write(file, List.of(classNames));
            services = file.toUri().toURL();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        return name.equals(SERVICE) ? Collections.enumeration(List.of(services)) : super.getResources(name);
    }
}
