// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import org.junit.jupiter.api.Test;

class AccumulatorTest {

    private static final Shape PARAMETER = Shape.of(1);
    private static final int SAMPLES = 3;

    @Test
    void single_samples_are_written_in_place() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Accumulator accumulator = accumulator(backend, scope, new Contraction.PerSample());
            write(backend, accumulator, 0, 2, 7);
            write(backend, accumulator, 2, 3, 9);
            accumulator.complete();
            assertThat(accumulator.results().get(0).toDoubleArray()).containsExactly(7, 7, 9);
            assertThat(backend.memory().openTensors()).isEqualTo(1);
        }
    }

    @Test
    void sums_of_chunks_are_added() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Accumulator accumulator = accumulator(backend, scope, new Contraction.Sum());
            write(backend, accumulator, 0, 1, 1);
            write(backend, accumulator, 1, 2, 20);
            write(backend, accumulator, 2, 3, 300);
            accumulator.complete();
            assertThat(accumulator.results().get(0).toDoubleArray()).containsExactly(321);
        }
    }

    private static Accumulator accumulator(HeapBackend backend, TensorScope scope, Contraction contraction) {
        AccumulatorKey key = new AccumulatorKey(0, new LossGradient(), contraction);
        return new Accumulator(backend, scope, key, PARAMETER, DType.FLOAT64, 1, SAMPLES);
    }

    /** Plays a site: fills what the accumulator offers for a chunk with a number. */
    private static void write(HeapBackend backend, Accumulator accumulator, long from, long to, double value) {
        try (TensorScope scope = backend.openScope()) {
            Step step = new Step(new Block(0, 1, from, to), 1, SAMPLES, null);
            Accumulator.Pending pending =
                    accumulator.prepare(scope, step, Accumulator.Given.NOTHING).orElseThrow();
            for (Tensor destination : pending.task().destinations()) {
                backend.elementwise().fill(destination, value);
            }
            pending.afterwards().run();
        }
    }
}
