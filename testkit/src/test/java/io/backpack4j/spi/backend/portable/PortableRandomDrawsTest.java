// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PortableRandomDrawsTest {

    private static final RandomKey KEY = new RandomKey(11, 22, 33);

    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();

    @AfterEach
    void closeAll() {
        scope.close();
        backend.close();
    }

    @Test
    void uniformNumbersAreThoseOfTheGenerator() {
        double[] numbers = uniform(7, 5);

        assertThat(numbers)
                .containsExactly(
                        CounterRandom.uniform(KEY, 7, 0),
                        CounterRandom.uniform(KEY, 7, 1),
                        CounterRandom.uniform(KEY, 7, 2),
                        CounterRandom.uniform(KEY, 5, 0),
                        CounterRandom.uniform(KEY, 5, 1),
                        CounterRandom.uniform(KEY, 5, 2));
    }

    @Test
    void orderAndChunksDoNotMatter() {
        double[] together = uniform(1, 2, 3);
        double[] other = uniform(3, 1);

        assertThat(Arrays.copyOfRange(other, 0, 3)).containsExactly(Arrays.copyOfRange(together, 6, 9));
        assertThat(Arrays.copyOfRange(other, 3, 6)).containsExactly(Arrays.copyOfRange(together, 0, 3));
        assertThat(uniform()).isEmpty();
    }

    @Test
    void normalNumbersHaveTheRightMoments() {
        int samples = 20_000;
        Tensor numbers = scope.allocate(Shape.of(samples, 2), DType.FLOAT64);
        backend.random().normal(KEY, LongStream.range(0, samples).toArray(), numbers);
        double[] z = numbers.toDoubleArray();

        double mean = Arrays.stream(z).average().orElseThrow();
        double variance = Arrays.stream(z).map(x -> x * x).average().orElseThrow();
        double fourth = Arrays.stream(z).map(x -> x * x * x * x).average().orElseThrow();
        double covariance = 0;
        for (int i = 0; i < z.length; i += 2) {
            covariance += z[i] * z[i + 1] / samples;
        }
        double error = 1 / Math.sqrt(z.length);
        assertThat(backend.reductions().allFinite(numbers)).isTrue();
        assertThat(mean).isCloseTo(0, within(4 * error));
        assertThat(variance).isCloseTo(1, within(4 * Math.sqrt(2) * error));
        assertThat(fourth).isCloseTo(3, within(4 * Math.sqrt(96) * error));
        assertThat(covariance).isCloseTo(0, within(4 * Math.sqrt(2) * error));
    }

    @Test
    void classesComeAsOftenAsTheirProbabilities() {
        int samples = 20_000;
        double[] probabilities = {0, 0.1, 0.2, 0.7};
        Tensor given = scope.allocate(Shape.of(samples, 4, 2), DType.FLOAT64);
        for (int i = 0; i < samples; i++) {
            // position 0 has the probabilities, position 1 the reversed ones
            double[] row = {0, 0.7, 0.1, 0.2, 0.2, 0.1, 0.7, 0};
            given.write(8L * i, row, 0, 8);
        }
        Tensor labels = scope.allocate(Shape.of(samples, 2), DType.INT64);
        backend.random().categorical(KEY, LongStream.range(0, samples).toArray(), given, labels);

        long[] drawn = labels.toLongArray();
        int[][] counts = new int[2][4];
        int both = 0;
        for (int i = 0; i < drawn.length; i++) {
            counts[i % 2][(int) drawn[i]]++;
            both += i % 2 == 0 && drawn[i] == 3 && drawn[i + 1] == 0 ? 1 : 0;
        }
        for (int c = 0; c < 4; c++) {
            double error = 4 * Math.sqrt(probabilities[c] * (1 - probabilities[c]) / samples);
            assertThat(counts[0][c] / (double) samples).isCloseTo(probabilities[c], within(error));
            assertThat(counts[1][3 - c] / (double) samples).isCloseTo(probabilities[c], within(error));
        }
        assertThat(both / (double) samples).isCloseTo(0.49, within(0.015));
    }

    @Test
    void classesAreTheFirstWhoseCumulatedProbabilityExceedsTheNumber() {
        long[] ids = LongStream.range(0, 50).toArray();
        Tensor given = scope.allocate(Shape.of(50, 3), DType.FLOAT64);
        long[] expected = new long[50];
        for (int i = 0; i < 50; i++) {
            double u = CounterRandom.uniform(KEY, i, 0);
            expected[i] = u < 0.25 ? 0 : u < 0.75 ? 1 : 2;
            given.write(3L * i, new double[] {0.25, 0.5, 0.25}, 0, 3);
        }
        Tensor labels = scope.allocate(Shape.of(50), DType.INT64);

        backend.random().categorical(KEY, ids, given, labels);

        assertThat(labels.toLongArray()).containsExactly(expected);
    }

    @Test
    void roundingNeverDrawsAnImpossibleClass() {
        long[] ids = LongStream.range(0, 50).toArray();
        Tensor given = scope.allocate(Shape.of(50, 3), DType.FLOAT64);
        backend.elementwise().fill(given, 0);
        for (int i = 0; i < 50; i++) {
            given.write(3L * i + 1, new double[] {1e-30}, 0, 1);
        }
        Tensor labels = scope.allocate(Shape.of(50), DType.INT64);

        backend.random().categorical(KEY, ids, given, labels);

        assertThat(labels.toLongArray()).containsOnly(1);
    }

    private double[] uniform(long... ids) {
        Tensor numbers = scope.allocate(Shape.of(ids.length, 3), DType.FLOAT64);
        backend.random().uniform(KEY, ids, numbers);
        return numbers.toDoubleArray();
    }
}
