// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** nvcc or clang: makes PTX. clang gets what CUDA's headers would declare from {@code clang.cuh}. */
record CommandLineCompiler(Path program, String name) implements DeviceCompiler {

    @Override
    public byte[] compile(String file, String source, List<String> definitions, int architecture)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("kernels");
        Path text = folder.resolve(file);
        Path output = folder.resolve("code.ptx");
        boolean nvcc = name.equals("nvcc");
        Files.writeString(
                text, nvcc ? source : HostCompiler.resource("clang.cuh") + "\n#line 1 \"" + file + "\"\n" + source);
        List<String> command = new ArrayList<>(List.of(program.toString(), "-std=c++17", "-o", output.toString()));
        if (nvcc) {
            command.addAll(List.of("-ptx", "-arch=compute_" + architecture));
        } else {
            command.addAll(List.of(
                    "-x",
                    "cuda",
                    "--cuda-device-only",
                    "--cuda-gpu-arch=sm_" + architecture,
                    "-nocudainc",
                    "-nocudalib",
                    "-fms-extensions",
                    "-S",
                    "-O2"));
        }
        definitions.forEach(definition -> command.add("-D" + definition));
        command.add(text.toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String messages = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new CudaFailure(String.join(" ", command), messages);
        }
        return Files.readAllBytes(output);
    }
}
