// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Compiles kernels for devices: NVRTC if it is found, else nvcc, else clang. */
interface DeviceCompiler {

    /**
     * The place of {@code libnvrtc.so.12}, where it is not among the system's libraries: a file, by property or
     * environment.
     */
    String PROPERTY = "backpack.test.nvrtc";

    String VARIABLE = "BACKPACK_TEST_NVRTC";

    byte[] compile(String name, String source, List<String> definitions, int architecture) throws Exception;

    /**
     * What was found.
     *
     * @param compiler the compiler, or null
     * @param description which it is, or where it was looked for
     */
    record Found(@Nullable DeviceCompiler compiler, String description) {}

    static Found find() {
        Optional<Path> library = nvrtc();
        if (library.isPresent()) {
            System.load(library.get().toAbsolutePath().toString());
            return new Found(JCudaCompiler::compile, JCudaCompiler.version() + " from " + library.get());
        }
        for (String name :
                List.of("nvcc", "clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14")) {
            Optional<Path> program = program(name);
            if (program.isPresent()) {
                return new Found(
                        new CommandLineCompiler(program.get(), name),
                        program.get().toString());
            }
        }
        return new Found(
                null,
                "kernels are compiled with NVRTC, nvcc or clang, and none is here: pip download nvidia-cuda-nvrtc-cu12,"
                        + " unpack it, and name its libnvrtc.so.12 with -D" + PROPERTY + " or " + VARIABLE);
    }

    private static Optional<Path> nvrtc() {
        List<Path> candidates = new ArrayList<>();
        for (String text : new String[] {System.getProperty(PROPERTY), System.getenv(VARIABLE)}) {
            if (text != null) {
                candidates.add(Path.of(text));
            }
        }
        new CudaLibraries(CudaLibraries.ofThisMachine().directories())
                .find("libnvrtc.so.12")
                .ifPresent(candidates::add);
        return candidates.stream().filter(Files::isRegularFile).findFirst();
    }

    private static Optional<Path> program(String name) {
        for (String directory : System.getenv("PATH").split(":")) {
            Path file = Path.of(directory, name);
            if (Files.isExecutable(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }
}
