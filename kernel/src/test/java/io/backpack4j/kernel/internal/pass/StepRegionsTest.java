// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class StepRegionsTest {

    private static final int COLUMNS = 3;
    private static final int SAMPLES = 4;

    @Test
    void a_contiguous_part_is_a_handle_on_the_same_numbers() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor whole = numbered(backend, scope);
            Tensor columns = StepRegions.view(scope, whole, step(1, 3, 0, SAMPLES));
            assertThat(columns.shape()).isEqualTo(Shape.of(2, SAMPLES, 1));
            assertThat(columns.toDoubleArray()).containsExactly(4, 5, 6, 7, 8, 9, 10, 11);
            Tensor samples = StepRegions.view(scope, whole, step(1, 2, 2, 4));
            assertThat(samples.shape()).isEqualTo(Shape.of(1, 2, 1));
            assertThat(samples.toDoubleArray()).containsExactly(6, 7);
        }
    }

    @Test
    void some_samples_of_several_columns_have_no_handle() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor whole = numbered(backend, scope);
            Step step = step(1, 3, 2, 4);
            assertThat(StepRegions.view(scope, whole, step)).isNull();
            Tensor part = scope.allocate(Shape.of(2, 2, 1), DType.FLOAT64);
            backend.indexing().extract(whole, StepRegions.region(whole, step), part);
            assertThat(part.toDoubleArray()).containsExactly(6, 7, 10, 11);
        }
    }

    private static Step step(long fromColumn, long toColumn, long fromSample, long toSample) {
        return new Step(new Block(fromColumn, toColumn, fromSample, toSample), COLUMNS, SAMPLES, null);
    }

    private static Tensor numbered(HeapBackend backend, TensorScope scope) {
        double[] numbers =
                DoubleStream.iterate(0, x -> x + 1).limit(COLUMNS * SAMPLES).toArray();
        return backend.upload(scope, Shape.of(COLUMNS, SAMPLES, 1), DType.FLOAT64, numbers);
    }
}
