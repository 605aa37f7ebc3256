// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Tensors in a few numbers. */
class TensorSummaryTest {

    @Test
    void tensors_are_summarised_in_ranges() {
        int size = 40_000;
        TensorSummary summary = TensorSummary.of(tensor(size));
        assertThat(summary.min()).isEqualTo(-1);
        assertThat(summary.max()).isEqualTo(size - 2.0);
        assertThat(summary.mean()).isCloseTo((size - 3) / 2.0, within(1e-9));
        double squares =
                LongStream.range(-1, size - 1).mapToDouble(i -> (double) i * i).sum();
        assertThat(summary.norm()).isCloseTo(Math.sqrt(squares), within(1e-3));
    }

    @Test
    void empty_tensors_have_no_extremes() {
        assertThat(TensorSummary.of(tensor(0))).isEqualTo(new TensorSummary(Double.NaN, Double.NaN, Double.NaN, 0));
    }

    /** The numbers from -1 on. */
    private static Tensor tensor(int size) {
        Tensor tensor = mock(Tensor.class);
        when(tensor.shape()).thenReturn(Shape.of(size));
        doAnswer(call -> {
                    long from = call.getArgument(0);
                    double[] target = call.getArgument(1);
                    int offset = call.getArgument(2);
                    int count = call.getArgument(3);
                    for (int i = 0; i < count; i++) {
                        target[offset + i] = from + i - 1.0;
                    }
                    return null;
                })
                .when(tensor)
                .read(anyLong(), any(double[].class), anyInt(), anyInt());
        return tensor;
    }
}
