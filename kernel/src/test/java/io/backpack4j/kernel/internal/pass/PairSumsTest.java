// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.kernel.internal.layout.PairKey;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PairSumsTest {

    private static final int STAGE = 1;
    private static final long SAMPLES = 2;

    /** Gradients of a single number that lie in memory. */
    private static final class Given extends ParameterDerivatives {

        private final double[] values;

        Given(Backend backend, DType dtype, double... values) {
            super(backend, Shape.of(1), dtype, values.length / SAMPLES, SAMPLES);
            this.values = values;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            for (long v = block.fromColumn(); v < block.toColumn(); v++) {
                for (long n = block.fromSample(); n < block.toSample(); n++) {
                    long at = (v - block.fromColumn()) * block.samples() + n - block.fromSample();
                    destination.write(at, values, (int) (v * SAMPLES + n), 1);
                }
            }
        }
    }

    private static PairSums sums(HeapBackend backend, TensorScope scope, DType dtype) {
        return new PairSums(backend, scope, dtype, PassObserver.NONE);
    }

    private static GroupKey group(Signal left, Signal right, boolean sameSample) {
        return new GroupKey(
                new PairKey(STAGE, left, right, new CrossInnerProducts(sameSample)), List.of("a", "b", "c"));
    }

    /** Columns of a signal from one on, of {@code all}. */
    private static PairSums.Waiting waiting(
            Signal signal, HeapBackend backend, DType dtype, long from, long all, double... values) {
        Step step = new Step(new Block(from, from + values.length / SAMPLES, 0, SAMPLES), all, SAMPLES, null);
        return new PairSums.Waiting(signal, step, false, new Given(backend, dtype, values));
    }

    /**
     * What two large parameters add cancels, and what a small one adds is all that is left: 2²⁴ + 1 is no number of
     * single precision.
     */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void a_small_parameter_is_seen_between_large_ones(DType dtype) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            PairSums sums = sums(backend, scope, dtype);
            Signal gradient = new LossGradient();
            GroupKey group = group(gradient, gradient, true);
            for (double[] pair : new double[][] {{4096, 4096}, {1, 1}, {-4096, 4096}}) {
                sums.add(
                        group,
                        waiting(gradient, backend, dtype, 0, 1, pair[0], 2 * pair[0]),
                        waiting(gradient, backend, dtype, 0, 1, pair[1], pair[1]));
            }
            sums.complete(STAGE);
            assertThat(sums.of(group).dtype()).isEqualTo(dtype);
            assertThat(sums.of(group).toDoubleArray()).containsExactly(1, 2);
            assertThat(backend.memory().usedBytes()).isEqualTo(2L * dtype.bytes());
        }
    }

    @Test
    void sums_of_another_stage_stay_as_exact_as_they_are() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            PairSums sums = sums(backend, scope, DType.FLOAT32);
            Signal gradient = new LossGradient();
            GroupKey group = group(gradient, gradient, true);
            PairSums.Waiting one = waiting(gradient, backend, DType.FLOAT32, 0, 1, 1, 1);
            sums.add(group, one, one);
            sums.complete(STAGE + 1);
            assertThat(sums.of(group).dtype()).isEqualTo(DType.FLOAT64);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT32", "FLOAT64"})
    void blocks_of_a_root_fill_the_matrix_and_its_mirror_image(DType dtype) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            PairSums sums = sums(backend, scope, dtype);
            Signal root = new LossHessianRoot();
            GroupKey group = group(root, root, false);
            double[] columns = {1, 2, 3, 5, 7, 11};
            List<PairSums.Waiting> blocks = List.of(
                    waiting(root, backend, dtype, 0, 3, Arrays.copyOfRange(columns, 0, 4)),
                    waiting(root, backend, dtype, 2, 3, Arrays.copyOfRange(columns, 4, 6)));
            for (PairSums.Waiting left : blocks) {
                for (PairSums.Waiting right : blocks) {
                    sums.add(group, left, right);
                }
            }
            sums.complete(STAGE);
            double[] expected = new double[36];
            for (int i = 0; i < 36; i++) {
                expected[i] = columns[i / 6] * columns[i % 6];
            }
            assertThat(sums.of(group).toDoubleArray()).containsExactly(expected);
        }
    }

    @Test
    void gradients_meet_columns_of_every_block_in_their_place() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            PairSums sums = sums(backend, scope, DType.FLOAT32);
            Signal root = new LossHessianRoot();
            Signal gradient = new LossGradient();
            GroupKey group = group(gradient, root, false);
            PairSums.Waiting gradients = waiting(gradient, backend, DType.FLOAT32, 0, 1, 10, 100);
            sums.add(group, gradients, waiting(root, backend, DType.FLOAT32, 0, 2, 1, 2));
            sums.add(group, gradients, waiting(root, backend, DType.FLOAT32, 1, 2, 3, 4));
            sums.complete(STAGE);
            assertThat(sums.of(group).toDoubleArray()).containsExactly(10, 20, 30, 40, 100, 200, 300, 400);
        }
    }
}
