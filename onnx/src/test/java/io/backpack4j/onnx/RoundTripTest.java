// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What is read, written and read again computes the same. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoundTripTest {

    /** Models with layers that are not written. */
    private static final Set<String> NOT_WRITTEN = Set.of("lstm", "gru", "rnn");

    private BackPack backpack;

    @BeforeAll
    void open() {
        backpack = BackPack.builder().build();
    }

    @AfterAll
    void close() {
        backpack.close();
    }

    @TestFactory
    Stream<DynamicTest> written_models_compute_the_same(@TempDir Path folder) {
        return Fixtures.all().stream()
                .filter(file -> NOT_WRITTEN.stream()
                        .noneMatch(name -> file.getFileName().toString().startsWith(name)))
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> check(file, folder)));
    }

    private void check(Path file, Path folder) {
        OnnxFormat format = new OnnxFormat();
        ForeignModel model = format.read(file, backpack.catalog(), LossDescription.NONE);
        Path written = folder.resolve(file.getFileName());
        try (Model made = backpack.model(
                backpack.catalog().graph(model.description()),
                DType.FLOAT64,
                model.inputs().values().toArray(Shape[]::new))) {
            model.numbers().fill(made.parameters());
            format.write(written, made);
        }
        ForeignModel again = format.read(written, backpack.catalog(), LossDescription.NONE);
        try (Safetensors data = Fixtures.data(file)) {
            double[] expected = Fixtures.predict(backpack, model, data);
            assertThat(Fixtures.predict(backpack, again, data)).containsExactly(expected, Offset.offset(1e-6));
        }
    }

    @Test
    void layers_without_counterpart_are_refused_together(@TempDir Path folder) {
        ModelDescription description = ModelFile.parse(
                "{\"nodes\": [{\"name\": \"r\", \"type\": \"LSTM\", \"input_size\": 3, \"hidden_size\": 4, \"batch_first\": true},"
                        + " {\"name\": \"g\", \"type\": \"GLU\"}]}",
                "model.json");
        Path file = folder.resolve("net.onnx");
        try (Model model = backpack.model(backpack.catalog().graph(description), DType.FLOAT32, Shape.of(5, 3))) {
            assertThatThrownBy(() -> new OnnxFormat().write(file, model))
                    .hasMessageContaining("[NotWritableAsOnnx] Node 'r' (LSTM)")
                    .hasMessageContaining("Node 'g' (GLU)")
                    .hasMessageContaining("2 problems");
        }
        assertThat(Files.exists(file)).isFalse();
    }
}
