// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CentredNormTest {

    private static final int ROWS = 9;
    private static final int WIDTH = 8;

    /** Factors {@code d [N, M]} and {@code a [N, K]}, all numbers of which single precision has. */
    private record Factors(double[][] left, double[][] right) {

        /** About one, but for a part that is random. */
        static Factors spread(Random random, int samples, double spread) {
            return new Factors(rows(random, samples, ROWS, spread), rows(random, samples, WIDTH, spread));
        }

        private static double[][] rows(Random random, int samples, int length, double spread) {
            double[][] rows = new double[samples][length];
            for (double[] row : rows) {
                for (int i = 0; i < length; i++) {
                    row[i] = (float) (1 + spread * random.nextGaussian());
                }
            }
            return rows;
        }

        int samples() {
            return left.length;
        }

        /** By definition. */
        double centredNorm() {
            double norm = 0;
            for (int m = 0; m < ROWS; m++) {
                for (int k = 0; k < WIDTH; k++) {
                    double mean = 0;
                    for (int n = 0; n < samples(); n++) {
                        mean += left[n][m] * right[n][k] / samples();
                    }
                    for (int n = 0; n < samples(); n++) {
                        norm += Math.pow(left[n][m] * right[n][k] - mean, 2);
                    }
                }
            }
            return norm;
        }
    }

    private static final FactorSizes SIZES = new FactorSizes(1, ROWS, WIDTH, 1, true);

    private static PerSampleProduct product(TensorScope scope, HeapBackend backend, DType dtype, Factors factors) {
        int samples = factors.samples();
        Tensor left = backend.upload(scope, Shape.of(samples, 1, 1, ROWS), dtype, flat(factors.left));
        Tensor right = backend.upload(scope, Shape.of(samples, 1, 1, WIDTH), dtype, flat(factors.right));
        return new PerSampleProduct(left, true, right, false);
    }

    private static double[] flat(double[][] rows) {
        return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    }

    private static double computed(DType dtype, Factors factors) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            PerSampleProduct all = product(scope, backend, dtype, factors);
            var derivatives = new FactoredParameter(
                    backend, Shape.of(ROWS, WIDTH), dtype, 1, factors.samples(), SIZES, (inner, block) -> {
                        Tensor left = inner.rows(all.left(), block.fromSample(), block.toSample());
                        Tensor right = inner.rows(all.right(), block.fromSample(), block.toSample());
                        return new PerSampleProduct(left, true, right, false);
                    });
            Tensor result = scope.allocate(Shape.of(), dtype);
            var task = new ContractionTask(new Contraction.CentredSquaredNorm(), List.of(result), null, false);
            derivatives.execute(List.of(task));
            return result.item();
        }
    }

    private static boolean holds(DType dtype, Factors factors) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            var norm = new CentredNorm(backend, dtype, factors.samples(), SIZES);
            return norm.computes(product(scope, backend, dtype, factors), scope.allocate(Shape.of(), dtype));
        }
    }

    /** Three samples meet in pairs, nine in runs of a product. */
    @ParameterizedTest
    @CsvSource({
        "FLOAT64, 3, 1, 1e-13",
        "FLOAT64, 9, 1, 1e-13",
        "FLOAT64, 9, 1e-4, 1e-11",
        "FLOAT32, 3, 1, 1e-5",
        "FLOAT32, 9, 1, 1e-5",
        "FLOAT32, 3, 1e-4, 2e-3",
        "FLOAT32, 9, 1e-4, 2e-3"
    })
    void it_is_that_of_the_gradients_however_close_these_are(
            DType dtype, int samples, double spread, double tolerance) {
        Factors factors = Factors.spread(Randomness.of("centred " + samples + " " + spread), samples, spread);
        double expected = factors.centredNorm();

        assertThat(holds(dtype, factors)).isTrue();
        assertThat(computed(dtype, factors)).isCloseTo(expected, within(tolerance * expected));
    }

    /** Signs of both factors change together, so that the gradients stay where they are. */
    @Test
    void it_falls_back_to_moments_where_factors_change_against_each_other() {
        Random random = Randomness.of("centred against each other");
        Factors factors = Factors.spread(random, 8, 1e-4);
        for (int n = 0; n < 8; n += 2) {
            for (double[] row : List.of(factors.left[n], factors.right[n])) {
                for (int i = 0; i < row.length; i++) {
                    row[i] = -row[i];
                }
            }
        }
        double expected = factors.centredNorm();

        assertThat(holds(DType.FLOAT32, factors)).isFalse();
        assertThat(computed(DType.FLOAT32, factors)).isCloseTo(expected, within(2e-3 * expected));
    }

    @ParameterizedTest
    @CsvSource({"1", "4"})
    void equal_gradients_have_none(int samples) {
        Factors factors = Factors.spread(Randomness.of("centred equal"), samples, 0);

        assertThat(computed(DType.FLOAT32, factors)).isZero();
    }
}
