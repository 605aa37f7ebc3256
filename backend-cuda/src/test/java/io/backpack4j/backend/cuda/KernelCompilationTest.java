// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.tensor.DType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every kernel compiles for devices, in all variants. Needs no device, but a compiler; skipped, with the reason, where
 * there is none.
 */
class KernelCompilationTest {

    private static final int[] ARCHITECTURES = {80, 90};

    private DeviceCompiler compiler;

    @BeforeEach
    void findCompiler(TestReporter reporter) {
        DeviceCompiler.Found found = DeviceCompiler.find();
        Assumptions.assumeTrue(found.compiler() != null, found.description());
        compiler = found.compiler();
        reporter.publishEntry("compiler", found.description());
    }

    @ParameterizedTest
    @EnumSource
    void compiles(KernelFile file) throws Exception {
        for (int architecture : ARCHITECTURES) {
            for (DType real : List.of(DType.FLOAT32, DType.FLOAT64)) {
                for (boolean wide : new boolean[] {false, true}) {
                    byte[] code = compiler.compile(
                            file.fileName(),
                            KernelLibrary.source(file),
                            KernelLibrary.definitions(real, wide),
                            architecture);
                    String text = new String(code, StandardCharsets.ISO_8859_1);
                    for (String kernel : kernels(file)) {
                        assertThat(text)
                                .as("code of %s for sm_%d", file.fileName(), architecture)
                                .contains(kernel);
                    }
                }
            }
        }
    }

    private static List<String> kernels(KernelFile file) {
        List<String> names = new ArrayList<>();
        KernelLibrary.source(file)
                .lines()
                .filter(line -> line.startsWith("KERNEL(") || line.startsWith("COOPERATIVE_KERNEL("))
                .forEach(line -> names.add(line.substring(line.indexOf('(') + 1, line.indexOf(','))));
        assertThat(names).isNotEmpty();
        return names;
    }

    @Test
    void mistakesAreReportedWithTheirLine() {
        assertThatThrownBy(
                        () -> compiler.compile("wrong.cu", "\n__device__ int f() { return nothing; }\n", List.of(), 80))
                .hasMessageFindingMatch("wrong\\.cu[(:]2")
                .hasMessageContaining("nothing");
    }
}
