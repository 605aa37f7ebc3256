// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.Plan;
import io.backpack4j.spi.MemoryAmount;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OutputSizeTest {

    private static OutputSize of(DType dtype, Shape shape) {
        return OutputSize.of(Map.of("w/x", new Plan.ResultType(dtype, shape)));
    }

    @Test
    void sizes_are_those_of_the_elements() {
        assertThat(of(DType.FLOAT32, Shape.of(3, 5)).total()).isEqualTo(60);
        assertThat(of(DType.FLOAT64, Shape.of()).total()).isEqualTo(8);
        assertThat(of(DType.INT64, Shape.of(7)).total()).isEqualTo(56);
        assertThat(of(DType.FLOAT64, Shape.of(0)).total()).isZero();
        assertThat(OutputSize.of(Map.of(
                                "a", new Plan.ResultType(DType.FLOAT32, Shape.of(2)),
                                "b", new Plan.ResultType(DType.FLOAT64, Shape.of(2))))
                        .total())
                .isEqualTo(24);
    }

    @Test
    void bytes_that_cannot_be_counted_are_too_many() {
        OutputSize size = of(DType.FLOAT64, Shape.of(1L << 31, 1L << 31));
        assertThat(size.total()).isEqualTo(Long.MAX_VALUE);
        assertThatThrownBy(() -> size.require(new MemoryAmount(1L << 60))).hasMessageStartingWith("[OutputTooLarge]");
    }

    @Test
    void what_just_fits_is_taken() {
        OutputSize size = of(DType.FLOAT32, Shape.of(3, 5));
        assertThatCode(() -> size.require(new MemoryAmount(60))).doesNotThrowAnyException();
        assertThatThrownBy(() -> size.require(new MemoryAmount(59)))
                .hasMessageStartingWith(
                        "[OutputTooLarge] The results would take 60 bytes, but --max-output allows 59 bytes. The largest: 'w/x' [3, 5] with 60 bytes.")
                .hasMessageEndingWith("--max-output 60.");
    }

    @Test
    void much_is_announced() {
        assertThat(announced(of(DType.FLOAT32, Shape.of((1L << 28) - 1)))).isEmpty();
        assertThat(announced(of(DType.FLOAT32, Shape.of(1L << 28))))
                .isEqualTo("backpack: the results will take 1073741824 bytes (1.0 GiB) in 'r.safetensors'");
    }

    private static String announced(OutputSize size) {
        StringWriter text = new StringWriter();
        size.announce(Path.of("r.safetensors"), new PrintWriter(text));
        return text.toString().strip();
    }
}
