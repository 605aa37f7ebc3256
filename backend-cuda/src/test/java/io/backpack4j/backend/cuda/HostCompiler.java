// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** g++: compiles kernels, and what runs them, for the host. */
final class HostCompiler {

    private static final String NAME = "g++";

    /** Where compiled files are kept between tests. */
    static final Path DIRECTORY = Path.of("target", "emulation").toAbsolutePath();

    private static Optional<String> missing = Optional.empty();
    private static String version = "";

    private HostCompiler() {}

    /** Why kernels cannot be emulated here, if they cannot. Compiles and loads the bridge when first called. */
    static synchronized Optional<String> missing() {
        if (version.isEmpty() && missing.isEmpty()) {
            missing = prepare();
        }
        return missing;
    }

    private static Optional<String> prepare() {
        Path headers = Path.of(System.getProperty("java.home"), "include");
        if (!Files.isRegularFile(headers.resolve("jni.h"))) {
            return Optional.of("kernels are emulated with the JDK's jni.h, and " + headers + " has none");
        }
        try {
            Result asked = run(List.of(NAME, "-dumpfullversion"));
            if (asked.status() != 0) {
                return Optional.of(NAME + " does not work: " + asked.output());
            }
            version = NAME + " " + asked.output().strip();
            KernelCache cache = new KernelCache(Optional.of(DIRECTORY));
            String source = resource("bridge.cpp");
            var key = new KernelCache.Key(source, List.of(), System.getProperty("os.arch"), version);
            byte[] image = cache.get(
                    key,
                    () -> compile(
                            "bridge.cpp",
                            source,
                            List.of("-O2", "-I" + headers, "-I" + headers.resolve("linux")),
                            List.of()));
            System.load(store(image).toString());
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("kernels are emulated with " + NAME + ", which is not there");
        }
    }

    static String version() {
        return version;
    }

    /** Compiles a kernel's source together with the emulation, into a shared library. */
    static byte[] kernel(String name, String source, List<String> definitions) {
        String whole = resource("emulation.h") + "\n" + source;
        // -ffp-contract=off and no fast maths: as the source says.
        return compile(name, whole, List.of("-O1", "-Wall", "-Wno-unknown-pragmas", "-Wno-sign-compare"), definitions);
    }

    private static byte[] compile(String name, String source, List<String> options, List<String> definitions) {
        try {
            Files.createDirectories(DIRECTORY);
            Path folder = Files.createTempDirectory(DIRECTORY, "build");
            Path text = folder.resolve(name + ".cpp");
            Path library = folder.resolve("library.so");
            Files.writeString(text, source);
            List<String> command = new ArrayList<>(List.of(NAME, "-std=c++17", "-shared", "-fPIC", "-x", "c++"));
            command.addAll(options);
            definitions.forEach(definition -> command.add("-D" + definition));
            command.addAll(List.of("-o", library.toString(), text.toString(), "-ldl"));
            Result result = run(command);
            if (result.status() != 0) {
                throw new CudaFailure(String.join(" ", command), result.output());
            }
            byte[] image = Files.readAllBytes(library);
            Files.delete(library);
            Files.delete(text);
            Files.delete(folder);
            return image;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file with a shared library in it, for the loader. */
    static Path store(byte[] image) {
        try {
            Path file = Files.createTempFile("emulated", ".so");
            file.toFile().deleteOnExit();
            return Files.write(file, image);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private record Result(int status, String output) {}

    private static Result run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (InputStream stream = process.getInputStream()) {
            String output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), output);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    static String resource(String name) {
        try (InputStream stream = HostCompiler.class.getResourceAsStream(name)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
