// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cli.Main;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A model with PyTorch's arguments at their defaults, and {@code inplace}, as one writes it from a module's attributes.
 * The values are PyTorch's.
 */
class TorchDefaultArgumentsTest {

    private static final List<String> EXTENSIONS = List.of("BatchGrad", "BatchL2Grad", "SumGradSquared", "Variance");

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, auto, 1e-8, 1e-7",
        "FLOAT32, auto, 1e-5, 1e-4",
        "FLOAT32, nd4j, 1e-5, 1e-4",
    })
    void results_are_those_of_pytorch(DType dtype, String kernels, double absolute, double relative) {
        ModelDescription description = ModelFile.read(file("model.json"));
        Map<String, String> properties = kernels.equals("auto") ? Map.of() : Map.of("backpack.cpu.kernels", kernels);
        try (BackPack backpack =
                        BackPack.builder().backend("cpu").properties(properties).build();
                Safetensors data = Safetensors.open(file("data.safetensors"));
                DataFile.Loaded loaded = new DataFile("data.safetensors", data, description).load(backpack, dtype)) {
            List<Request<?>> requests = EXTENSIONS.stream()
                    .<Request<?>>map(type -> backpack.catalog().request(type, Map.of()))
                    .toList();
            try (Results results = backpack.plan(loaded.model(), loaded.batch(), requests, PassOptions.DEFAULT)
                            .run(loaded.batch());
                    Safetensors expected = Safetensors.open(file("expected.safetensors"))) {
                assertThat(results.tensors().keySet())
                        .containsExactlyInAnyOrderElementsOf(expected.tensors().keySet());
                results.tensors()
                        .forEach((name, tensor) -> check(name, tensor.toDoubleArray(), expected, absolute, relative));
            }
        }
    }

    @Test
    void results_of_the_command_line_are_those_of_pytorch() {
        Path out = directory.resolve("results.safetensors");
        StringWriter errors = new StringWriter();
        int code = Main.run(
                new PrintWriter(new StringWriter()),
                new PrintWriter(errors),
                "evaluate",
                "--model",
                file("model.json").toString(),
                "--data",
                file("data.safetensors").toString(),
                "--extensions",
                String.join(",", EXTENSIONS),
                "--out",
                out.toString());
        assertThat(errors.toString()).isEmpty();
        assertThat(code).isZero();
        try (Safetensors actual = Safetensors.open(out);
                Safetensors expected = Safetensors.open(file("expected.safetensors"))) {
            assertThat(actual.tensors().keySet())
                    .containsExactlyInAnyOrderElementsOf(expected.tensors().keySet());
            for (String name : expected.tensors().keySet()) {
                check(name, actual.readDoubles(name), expected, 1e-8, 1e-7);
            }
        }
    }

    private static void check(String name, double[] actual, Safetensors expected, double absolute, double relative) {
        double[] wanted = expected.readDoubles(name);
        double largest = Arrays.stream(wanted).map(Math::abs).max().orElse(0);
        assertThat(actual).as(name).containsExactly(wanted, within(absolute + relative * largest));
    }

    private static Path file(String name) {
        try {
            return Path.of(Objects.requireNonNull(
                            TorchDefaultArgumentsTest.class.getResource("/faults/torch-default-arguments/" + name))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
