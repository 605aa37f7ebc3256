// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.Problem;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Looks into the jars that class loaders pass over in silence: those that they cannot read, and those of plugins that
 * list none.
 */
final class PluginJars {

    private PluginJars() {}

    /** Jars of a loader, its parents and the given places that cannot be read. */
    static List<Problem> unreadable(ClassLoader loader, String pluginPath) {
        List<Problem> problems = new ArrayList<>();
        Set<Path> jars = onPath(loader);
        jars.addAll(ofPlugins(pluginPath));
        for (Path jar : jars) {
            try (ZipFile file = new ZipFile(jar.toFile())) {
                // Opening it reads its table of contents, which is what a loader cannot do without.
                assert file.size() >= 0;
            } catch (IOException e) {
                problems.add(new Problem(
                        KernelProblems.BROKEN_JAR,
                        "Jar %s cannot be read: %s. Copy or download it again, or remove it."
                                .formatted(jar, reason(jar, e))));
            }
        }
        return problems;
    }

    /**
     * Jars of plugins that hold none. They may be what plugins need: nothing keeps them from being used.
     *
     * @param pluginPath jars, and directories of jars, as in a class path
     */
    static List<Problem> withoutPlugin(String pluginPath) {
        List<Problem> problems = new ArrayList<>();
        for (Path jar : ofPlugins(pluginPath)) {
            try (ZipFile file = new ZipFile(jar.toFile())) {
                if (!listsPlugin(file)) {
                    problems.add(new Problem(
                            KernelProblems.NO_PLUGIN,
                            "Jar %s is among the plugins, but holds none: it lists no class in %s. If it is a library that a plugin needs, all is well; otherwise list the plugin there, with @AutoService, and build it again."
                                    .formatted(jar, ServiceFiles.NAME)));
                }
            } catch (IOException e) {
                // Reported as unreadable.
                continue;
            }
        }
        return problems;
    }

    private static boolean listsPlugin(ZipFile file) throws IOException {
        ZipEntry services = file.getEntry(ServiceFiles.NAME);
        if (services == null) {
            return false;
        }
        String text = new String(file.getInputStream(services).readAllBytes(), StandardCharsets.UTF_8);
        return text.lines().map(ServiceFiles::className).anyMatch(name -> !name.isEmpty());
    }

    private static String reason(Path jar, IOException failure) {
        return Files.isReadable(jar) ? String.valueOf(failure.getMessage()) : "permission denied";
    }

    /**
     * The files of a loader and its parents. Of the loader of applications, the class path; of others only those that
     * say their URLs.
     */
    private static Set<Path> onPath(ClassLoader loader) {
        Set<Path> files = new LinkedHashSet<>();
        for (ClassLoader each = loader; each != null; each = each.getParent()) {
            if (each instanceof URLClassLoader withUrls) {
                for (URL url : withUrls.getURLs()) {
                    local(url).ifPresent(files::add);
                }
            } else if (each == ClassLoader.getSystemClassLoader()) {
                files.addAll(entries(System.getProperty("java.class.path", "")));
            }
        }
        // What is not there, tools leave in class paths, and loaders rightly pass over.
        files.removeIf(file -> !Files.isRegularFile(file));
        return files;
    }

    private static Optional<Path> local(URL url) {
        try {
            return Optional.of(Path.of(new URI(url.toString())));
        } catch (URISyntaxException | IllegalArgumentException | FileSystemNotFoundException e) {
            return Optional.empty();
        }
    }

    private static Set<Path> ofPlugins(String pluginPath) {
        Set<Path> jars = new LinkedHashSet<>();
        for (Path entry : entries(pluginPath)) {
            if (Files.isDirectory(entry)) {
                jars.addAll(jarsIn(entry));
            } else if (Files.isRegularFile(entry)) {
                jars.add(entry);
            }
        }
        return jars;
    }

    private static List<Path> jarsIn(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> String.valueOf(file.getFileName())
                            .toLowerCase(Locale.ROOT)
                            .endsWith(".jar"))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static List<Path> entries(String classPath) {
        List<Path> paths = new ArrayList<>();
        for (String entry : classPath.split(File.pathSeparator)) {
            try {
                if (!entry.isEmpty()) {
                    paths.add(Path.of(entry));
                }
            } catch (InvalidPathException e) {
                // No file, hence no jar.
                continue;
            }
        }
        return paths;
    }
}
