// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MomentsTest {

    /** Shared by all numbers: squares about zero would lose all digits of those about the mean. */
    private static final double SHARED = 1e8;

    @Test
    void parts_of_any_size_give_the_moments_of_the_whole() {
        Random random = Randomness.of("MomentsTest");
        double[] numbers = random.doubles(40, -1, 1).map(x -> SHARED + x).toArray();
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            double[] first = Arrays.copyOfRange(numbers, 0, 7);
            Tensor sum = one(backend, scope, sum(first));
            Tensor squares = one(backend, scope, centredSquares(first));
            Moments moments = new Moments(backend, scope, sum, squares, first.length);
            for (int[] part : new int[][] {{7, 8}, {8, 8}, {8, 25}, {25, 40}}) {
                double[] next = Arrays.copyOfRange(numbers, part[0], part[1]);
                moments.add(one(backend, scope, sum(next)), one(backend, scope, centredSquares(next)), next.length);
            }
            moments.complete();
            assertThat(moments.count()).isEqualTo(numbers.length);
            assertThat(sum.toDoubleArray()[0] / numbers.length).isCloseTo(sum(numbers) / numbers.length, within(1e-7));
            assertThat(squares.toDoubleArray()[0]).isCloseTo(centredSquares(numbers), within(1e-6));
        }
    }

    private static Tensor one(HeapBackend backend, TensorScope scope, double value) {
        return backend.upload(scope, Shape.of(1), DType.FLOAT64, new double[] {value});
    }

    private static double sum(double[] numbers) {
        return Arrays.stream(numbers).sum();
    }

    private static double centredSquares(double[] numbers) {
        double mean = numbers.length == 0
                ? 0
                : SHARED + Arrays.stream(numbers).map(x -> x - SHARED).sum() / numbers.length;
        return Arrays.stream(numbers).map(x -> (x - mean) * (x - mean)).sum();
    }
}
