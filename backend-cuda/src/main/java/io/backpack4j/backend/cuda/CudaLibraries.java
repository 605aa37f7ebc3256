// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Looks for CUDA's libraries where systems keep them, without loading anything. JCuda needs {@code libcuda.so.1},
 * {@code libcublas.so.12} (and {@code libcublasLt.so.12}) and {@code libnvrtc.so.12}.
 *
 * @param directories where to look
 */
record CudaLibraries(List<Path> directories) {

    static final String DRIVER = "libcuda.so.1";

    /** CUDA 12's, in the order in which they must be loaded. */
    static final List<String> TOOLKIT = List.of("libcublasLt.so.12", "libcublas.so.12", "libnvrtc.so.12");

    private static final List<String> USUAL = List.of(
            "/usr/lib/x86_64-linux-gnu",
            "/lib/x86_64-linux-gnu",
            "/usr/lib64",
            "/lib64",
            "/usr/lib",
            "/usr/lib/wsl/lib",
            "/usr/local/nvidia/lib64",
            "/usr/local/nvidia/lib",
            "/usr/local/cuda/lib64",
            "/usr/local/cuda/compat");

    CudaLibraries {
        directories = List.copyOf(directories);
    }

    /**
     * The directories of this machine: the loader's path, its configuration, the usual ones, and those of Python's
     * packages.
     */
    static CudaLibraries ofThisMachine() {
        Set<Path> directories = new LinkedHashSet<>();
        addPath(directories, System.getenv("LD_LIBRARY_PATH"));
        addPath(directories, System.getProperty("java.library.path"));
        addLines(directories, Path.of("/etc/ld.so.conf.d"));
        USUAL.forEach(directory -> directories.add(Path.of(directory)));
        for (Path toolkit : list(Path.of("/usr/local"), "cuda-12*")) {
            directories.add(toolkit.resolve("lib64"));
        }
        for (Path python : list(Path.of("/usr/local/lib"), "python3*")) {
            for (Path packages : list(python, "{dist,site}-packages")) {
                for (Path part : list(packages.resolve("nvidia"), "*")) {
                    directories.add(part.resolve("lib"));
                }
            }
        }
        return new CudaLibraries(directories.stream().filter(Files::isDirectory).toList());
    }

    private static void addPath(Set<Path> directories, String path) {
        if (path != null) {
            for (String part : path.split(":")) {
                if (part.startsWith("/")) {
                    directories.add(Path.of(part));
                }
            }
        }
    }

    /** Paths that the loader is configured to search. */
    private static void addLines(Set<Path> directories, Path configuration) {
        for (Path file : list(configuration, "*.conf")) {
            try {
                Files.readAllLines(file).stream()
                        .map(String::strip)
                        .filter(line -> line.startsWith("/"))
                        .forEach(line -> directories.add(Path.of(line)));
            } catch (IOException e) {
                // Not ours to read: the usual directories remain.
            }
        }
    }

    private static List<Path> list(Path directory, String pattern) {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, pattern)) {
                entries.forEach(found::add);
            } catch (IOException e) {
                // As if it were empty.
            }
        }
        return found;
    }

    /** Whether JCuda has natives for this machine. */
    static boolean isSupportedPlatform(String system, String processor) {
        String machine = processor.toLowerCase(Locale.ROOT);
        return system.equals("Linux") && (machine.equals("amd64") || machine.equals("x86_64"));
    }

    /** Path of a library. */
    Optional<Path> find(String name) {
        return directories.stream()
                .map(directory -> directory.resolve(name))
                .filter(Files::exists)
                .findFirst();
    }

    /** CUDA 12's libraries that are not there. */
    List<String> missing() {
        return TOOLKIT.stream().filter(name -> find(name).isEmpty()).toList();
    }

    /** Libraries of another toolkit: what is there instead of what is missing. */
    List<String> others() {
        List<String> others = new ArrayList<>();
        for (String name : missing()) {
            String stem = name.substring(0, name.length() - "12".length());
            for (Path directory : directories) {
                for (Path file : list(directory, stem + "[0-9][0-9]")) {
                    others.add(file.getFileName().toString());
                }
            }
        }
        return others.stream().distinct().sorted().toList();
    }
}
