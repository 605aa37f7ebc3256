// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.LossDescription;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/** Models of PyTorch's two exporters, tf2onnx and skl2onnx compute what ONNX Runtime computes. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OnnxFixturesTest {

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
    Stream<DynamicTest> outputs_are_those_of_onnx_runtime() {
        return Fixtures.all().stream()
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> check(file)));
    }

    private void check(Path file) {
        ForeignModel model = new OnnxFormat().read(file, backpack.catalog(), LossDescription.NONE);
        try (Safetensors data = Fixtures.data(file)) {
            double[] expected = data.readDoubles("output");
            double[] actual = Fixtures.predict(backpack, model, data);
            double scale =
                    Math.max(1, Arrays.stream(expected).map(Math::abs).max().orElse(0));
            assertThat(actual).as(model.description().toString()).hasSameSizeAs(expected);
            assertThat(actual).containsExactly(expected, Offset.offset(1e-5 * scale));
        }
    }
}
