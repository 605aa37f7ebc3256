// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cli.Main;
import io.backpack4j.formats.Safetensors;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A convolution over one channel whose windows do not reach the row's end: oneDNN 3.11 took elements of other rows, and
 * what lies behind the input. The right values are PyTorch's in float64.
 */
class OneChannelConvolutionTest {

    private static final int TURNS = 10;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"float32", "float64"})
    void results_are_those_of_the_reference_every_time(String dtype) throws URISyntaxException {
        Path fault = Path.of(Objects.requireNonNull(getClass().getResource("/faults/conv-f32-one-channel"))
                .toURI());
        for (int turn = 0; turn < TURNS; turn++) {
            Path out = directory.resolve(turn + ".safetensors");
            evaluate(fault, dtype, out);
            try (Safetensors expected = Safetensors.open(fault.resolve("expected.safetensors"));
                    Safetensors actual = Safetensors.open(out)) {
                assertThat(expected.tensors()).isNotEmpty();
                for (String name : expected.tensors().keySet()) {
                    assertThat(actual.readDoubles(name))
                            .as("%s, turn %d", name, turn)
                            .containsExactly(expected.readDoubles(name), within(1e-5));
                }
            }
        }
    }

    private static void evaluate(Path fault, String dtype, Path out) {
        var messages = new StringWriter();
        int code = Main.run(
                new PrintWriter(messages),
                new PrintWriter(messages),
                "evaluate",
                "--model",
                fault.resolve("model.json").toString(),
                "--data",
                fault.resolve("data.safetensors").toString(),
                "--dtype",
                dtype,
                "--extensions",
                "BatchGrad,BatchL2Grad,SumGradSquared,Variance",
                "--out",
                out.toString());
        assertThat(code).as(messages.toString()).isZero();
    }
}
