// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KroneckerFactors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** Java objects do not grow with the square of a layer: dense arithmetic stays with the backend. */
class HeapTest {

    /** An n × n matrix of float32 has 4 MiB, and one of Java doubles 8 MiB. */
    private static final int FEATURES = 1024;

    private static final long MOST_BYTES = 1 << 20;

    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private interface Body {
        void run(TensorScope scope);
    }

    @Test
    void the_algebra_of_factors_leaves_matrices_with_the_backend() {
        try (BackPack backpack = BackPack.builder().backend("cpu").threads(1).build();
                Model model = backpack.model(
                        Graph.sequential(new Linear(FEATURES, 4)),
                        new CrossEntropyLoss(),
                        DType.FLOAT32,
                        Shape.of(FEATURES));
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(2, FEATURES), new float[2 * FEATURES])
                        .targets(Shape.of(2), new long[] {0, 1})
                        .build()) {
            model.parameters().initialize(0);
            KFAC kfac = new KFAC(1);
            try (Results results = backpack.compute(model, batch, kfac)) {
                KroneckerFactors factors = results.get(kfac, "0.weight");
                Tensor gradient = results.gradient("0.weight");
                warmAndMeasure("the damped inverse", backpack, scope -> factors.dampedInverse(scope, 1e-3));
                warmAndMeasure(
                        "products",
                        backpack,
                        scope -> factors.multiply(
                                scope, scope.view(gradient, gradient.shape().prepend(1))));
                warmAndMeasure("eigenvalues", backpack, factors::eigendecomposition);
                warmAndMeasure("log-determinants", backpack, scope -> {
                    factors.logDeterminant(0);
                    factors.logDeterminant(1);
                });
            }
        }
    }

    private static void warmAndMeasure(String what, BackPack backpack, Body body) {
        for (int turn = 0; turn < 2; turn++) {
            long before = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
            long peak = backpack.backend().memory().usedBytes();
            try (TensorScope scope = backpack.backend().openScope()) {
                body.run(scope);
            }
            assertThat(backpack.backend().memory().usedBytes()).isEqualTo(peak);
            long bytes = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
            if (turn > 0) {
                assertThat(bytes).as("bytes of Java heap for %s", what).isLessThan(MOST_BYTES);
            }
        }
    }

    /** The result and nothing else of its size. */
    @Test
    void the_damped_inverse_takes_the_memory_of_its_result() {
        try (BackPack backpack = BackPack.builder().backend("cpu").threads(1).build();
                TensorScope scope = backpack.backend().openScope()) {
            Shape shape = Shape.of(FEATURES, FEATURES);
            Tensor block = scope.allocate(shape, DType.FLOAT64);
            backpack.backend().elementwise().fill(block, 0);
            KroneckerFactors factors = KroneckerFactors.block(backpack.backend(), Shape.of(FEATURES), block);
            backpack.backend().resetPeak();
            long before = backpack.backend().memory().usedBytes();
            factors.dampedInverse(scope, 0.5);
            long taken = backpack.backend().memory().peakBytes() - before;
            assertThat(taken).isLessThan(shape.elements() * Double.BYTES * 11 / 10);
        }
    }
}
