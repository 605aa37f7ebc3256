// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.Plugin;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** Makes plugin jars as somebody else would: with the compiler and the contracts, and nothing of this build. */
final class ExternalJars {

    static final Path RESOURCES = resources();

    private static final String SERVICE = "META-INF/services/" + Plugin.class.getName();

    private ExternalJars() {}

    private static Path resources() {
        try {
            URL url = ExternalJars.class.getResource("/thirdparty/model.json");
            return Path.of(url.toURI()).getParent();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The sources of the guide's plugin, by path, with its services file. */
    static Map<String, String> sources() {
        Path root = RESOURCES.resolve("src");
        Map<String, String> sources = new TreeMap<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                sources.put(root.relativize(file).toString().replace('\\', '/'), Files.readString(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sources;
    }

    /** The guide's plugin as a jar in a directory. */
    static Path acme(Path folder) {
        return acme(folder, "acme-plugin-1.0.jar");
    }

    static Path acme(Path folder, String name) {
        return jar(folder.resolve(name), sources(), List.of());
    }

    /** A jar of one plugin class {@code org.acme.<name>} with the given members. */
    static Path plugin(Path jar, String name, String members, Path... classPath) {
        return jar(
                jar,
                Map.of("org/acme/" + name + ".java", pluginSource(name, members), SERVICE, "org.acme." + name),
                List.of(classPath));
    }

    static String pluginSource(String name, String members) {
        return """
                package org.acme;

                import io.backpack4j.spi.*;
                import io.backpack4j.spi.module.*;
                import io.backpack4j.spi.module.Module;
                import io.backpack4j.spi.tensor.*;
                import java.util.*;

                public final class %s implements Plugin {
                    @Override
                    public PluginDescriptor descriptor() {
                        return new PluginDescriptor("%s", "2.1", SpiVersion.MAJOR);
                    }

                    %s
                }
                """.formatted(name, name.toLowerCase(java.util.Locale.ROOT), members);
    }

    static Path jar(Path jar, Map<String, String> files, List<Path> firstOnClassPath) {
        try {
            Path work = Files.createTempDirectory(jar.getParent().getParent(), "classes");
            List<Path> units = new ArrayList<>();
            for (Map.Entry<String, String> file : files.entrySet()) {
                Path path = work.resolve(file.getKey());
                Files.createDirectories(path.getParent());
                Files.writeString(path, file.getValue());
                if (file.getKey().endsWith(".java")) {
                    units.add(path);
                }
            }
            if (!units.isEmpty()) {
                compile(units, work, firstOnClassPath);
            }
            for (Path unit : units) {
                Files.delete(unit);
            }
            pack(work, jar);
            return jar;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void compile(List<Path> units, Path output, List<Path> firstOnClassPath) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        List<String> classPath = new ArrayList<>();
        firstOnClassPath.forEach(path -> classPath.add(path.toString()));
        classPath.add(contracts().toString());
        List<String> options = List.of(
                "-d", output.toString(), "-cp", String.join(java.io.File.pathSeparator, classPath), "--release", "17");
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled = compiler.getTask(
                            messages, files, null, options, null, files.getJavaFileObjectsFromPaths(units))
                    .call();
            assertThat(compiled).as("compiled: %s", messages).isTrue();
        }
    }

    /** Where the contracts are: a jar, or a directory of classes. */
    private static Path contracts() {
        try {
            return Path.of(Plugin.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void pack(Path folder, Path jar) throws IOException {
        try (OutputStream stream = Files.newOutputStream(jar);
                JarOutputStream target = new JarOutputStream(stream);
                Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                target.putNextEntry(
                        new JarEntry(folder.relativize(file).toString().replace('\\', '/')));
                Files.copy(file, target);
                target.closeEntry();
            }
        }
    }

    /** A loader of all jars in a directory, in the order of their names, as a class path would have them. */
    static URLClassLoader loader(Path folder) {
        try (Stream<Path> jars = Files.list(folder)) {
            URL[] urls = jars.filter(path -> path.toString().endsWith(".jar"))
                    .sorted()
                    .map(ExternalJars::url)
                    .toArray(URL[]::new);
            return new URLClassLoader(urls, ExternalJars.class.getClassLoader());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static URL url(Path path) {
        try {
            return path.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }
}
