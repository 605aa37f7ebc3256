// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.math.BigDecimal;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CompensatedSumTest {

    @Test
    void what_cancels_leaves_the_small_summands() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor first = one(backend, scope, 1e16);
            CompensatedSum sum = new CompensatedSum(backend, scope, first);
            for (int i = 0; i < 10; i++) {
                sum.add(one(backend, scope, 0.5));
            }
            sum.addScaled(-2, one(backend, scope, 0.5e16));
            sum.complete();
            assertThat(first.toDoubleArray()).containsExactly(5);
        }
    }

    @Test
    void it_is_the_exact_sum_rounded_once() {
        Random random = Randomness.of("CompensatedSumTest");
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor total = one(backend, scope, random.nextGaussian());
            BigDecimal exact = new BigDecimal(total.toDoubleArray()[0]);
            CompensatedSum sum = new CompensatedSum(backend, scope, total);
            for (int i = 0; i < 1000; i++) {
                double summand = random.nextGaussian() * Math.pow(10, random.nextInt(8));
                exact = exact.add(new BigDecimal(summand));
                sum.add(one(backend, scope, summand));
            }
            sum.complete();
            assertThat(total.toDoubleArray()).containsExactly(exact.doubleValue());
        }
    }

    private static Tensor one(HeapBackend backend, TensorScope scope, double value) {
        return backend.upload(scope, Shape.of(1), DType.FLOAT64, new double[] {value});
    }
}
