// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.factored.RandomFactors.Sizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.module.ContractionChecks;
import io.backpack4j.testkit.module.GradientOracle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parameters that several nodes share, and what their sums over uses cost. */
class TiedFactorsTest {

    private static final double TOLERANCE = 1e-12;

    /** Derivatives that know nothing but their per-sample gradients. */
    private static final class Opaque extends ParameterDerivatives {

        private final ParameterDerivatives known;

        Opaque(ParameterDerivatives known) {
            super(known.backend(), known.parameter(), known.dtype(), known.columns(), known.samples());
            this.known = known;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            known.perSample(block, destination);
        }
    }

    private static Sizes sizes(int columns, int samples, int groups, int rows, int width, int positions) {
        return new Sizes(columns, samples, groups, rows, width, positions, true, true);
    }

    private static double[] sum(List<RandomFactors> uses) {
        double[] sum = uses.get(0).gradients();
        for (RandomFactors use : uses.subList(1, uses.size())) {
            double[] further = use.gradients();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += further[i];
            }
        }
        return sum;
    }

    /** The last three columns are the numbers of positions of the uses, none where there is no such use. */
    @ParameterizedTest
    @CsvSource({
        "1, 5, 1, 9, 8, 1, 1, 0",
        "3, 5, 1, 9, 8, 1, 1, 0",
        "3, 4, 1, 12, 13, 1, 1, 1",
        "2, 4, 1, 12, 13, 1, 2, 1",
        "4, 3, 1, 16, 18, 3, 1, 2",
        "3, 5, 1, 3, 4, 1, 1, 1",
        "3, 1, 1, 9, 8, 1, 1, 0",
        "2, 3, 2, 9, 8, 1, 2, 0"
    })
    void agree_with_definitions(
            int columns, int samples, int groups, int rows, int width, int first, int second, int third) {
        Random random = Randomness.of("tied %d %d %d".formatted(columns, samples, rows));
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            List<RandomFactors> uses = new ArrayList<>();
            for (int positions : new int[] {first, second, third}) {
                if (positions > 0) {
                    Sizes sizes = sizes(columns, samples, groups, rows, width, positions);
                    uses.add(new RandomFactors(backend, scope, sizes, random));
                }
            }
            List<ParameterDerivatives> derivatives = new ArrayList<>();
            uses.forEach(use -> derivatives.add(use.derivatives()));
            var oracle = new GradientOracle(columns, samples, uses.get(0).parameter(), sum(uses));
            var tied = ParameterDerivatives.tied(derivatives);
            new ContractionChecks(backend, tied, oracle, random, TOLERANCE).run();
            derivatives.set(1, new Opaque(derivatives.get(1)));
            var mixed = ParameterDerivatives.tied(derivatives);
            new ContractionChecks(backend, mixed, oracle, random, TOLERANCE).run();
        }
    }

    @Test
    void agree_with_definitions_where_positions_come_last_in_one_use() {
        Random random = Randomness.of("tied, positions last");
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            var uses = List.of(
                    new RandomFactors(backend, scope, sizes(2, 4, 1, 9, 8, 2), random),
                    new RandomFactors(backend, scope, new Sizes(2, 4, 1, 9, 8, 2, false, false), random));
            var tied = ParameterDerivatives.tied(
                    List.of(uses.get(0).derivatives(), uses.get(1).derivatives()));
            var oracle = new GradientOracle(2, 4, uses.get(0).parameter(), sum(uses));
            new ContractionChecks(backend, tied, oracle, random, TOLERANCE).run();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void equal_uses_multiply_squares_by_the_square_of_their_number(int uses) {
        Random random = Randomness.of("equal uses");
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            ParameterDerivatives use =
                    new RandomFactors(backend, scope, sizes(3, 4, 1, 12, 13, 1), random).derivatives();
            ParameterDerivatives tied = ParameterDerivatives.tied(Collections.nCopies(uses, use));
            for (Contraction contraction : List.of(
                    new Contraction.SumOfSquares(),
                    new Contraction.SumOfSquaresPerSample(),
                    new Contraction.SquaredNorms())) {
                double[] one = compute(scope, use, contraction);
                double[] expected = Arrays.stream(one).map(x -> x * uses * uses).toArray();
                Numbers.assertClose(contraction.toString(), compute(scope, tied, contraction), expected, 1e-14);
            }
        }
    }

    /**
     * Of differences of 1e-6 twelve digits would be lost in the squares; four are by rounding the factors themselves.
     */
    @ParameterizedTest
    @ValueSource(doubles = {0, 1e-6, 1e-3, 0.1})
    void squares_do_not_lose_their_digits_where_uses_cancel(double difference) {
        Random random = Randomness.of("cancelling uses");
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Sizes sizes = sizes(3, 4, 1, 12, 13, 1);
            var first = new RandomFactors(backend, scope, sizes, random);
            var second = first.changed(scope, -1, difference);
            ParameterDerivatives tied = ParameterDerivatives.tied(List.of(first.derivatives(), second.derivatives()));
            var oracle = new GradientOracle(3, 4, first.parameter(), sum(List.of(first, second)));
            for (Contraction contraction :
                    List.of(new Contraction.SumOfSquares(), new Contraction.SumOfSquaresPerSample())) {
                double[] expected = oracle.compute(contraction, null).get(0);
                double largest = Arrays.stream(expected).max().orElseThrow();
                double[] actual = compute(scope, tied, contraction);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(Math.abs(actual[i] - expected[i]))
                            .as("%s, element %d", contraction, i)
                            .isLessThanOrEqualTo(1e-9 * largest);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void cost_as_much_as_products_of_pairs(int uses) {
        int columns = 10;
        int samples = 8;
        Random random = Randomness.of("cost");
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            var counted = new CountingBackend(backend);
            Sizes sizes = sizes(columns, samples, 1, 40, 50, 1);
            List<ParameterDerivatives> derivatives = new ArrayList<>();
            for (int use = 0; use < uses; use++) {
                derivatives.add(new RandomFactors(counted.backend(), scope, sizes, random).derivatives());
            }
            ParameterDerivatives tied = ParameterDerivatives.tied(derivatives);
            int pairs = uses * (uses + 1) / 2;
            for (Contraction contraction :
                    List.of(new Contraction.SumOfSquares(), new Contraction.SumOfSquaresPerSample())) {
                long once = multiplications(counted, scope, derivatives.get(0), contraction);
                // sums of rows, from which cancellation is judged, are small beside the products
                assertThat(multiplications(counted, scope, tied, contraction))
                        .as(contraction.toString())
                        .isBetween(pairs * once, pairs * once * 11 / 10);
                assertThat(counted.tiles()).as("tiles of %s", contraction).isZero();
            }
            for (Contraction contraction : List.of(
                    new Contraction.SquaredNorms(),
                    new Contraction.InnerProducts(true),
                    new Contraction.InnerProducts(false))) {
                multiplications(counted, scope, tied, contraction);
                assertThat(counted.tiles()).as("tiles of %s", contraction).isZero();
            }
        }
    }

    private static long multiplications(
            CountingBackend counted, TensorScope scope, ParameterDerivatives derivatives, Contraction contraction) {
        counted.reset();
        compute(scope, derivatives, contraction);
        return counted.multiplications();
    }

    private static double[] compute(TensorScope scope, ParameterDerivatives derivatives, Contraction contraction) {
        Backend backend = derivatives.backend();
        Shape shape = contraction
                .shapes(derivatives.columns(), derivatives.samples(), derivatives.parameter())
                .get(0);
        Tensor destination = scope.allocate(shape, DType.FLOAT64);
        backend.elementwise().fill(destination, Double.NaN);
        derivatives.execute(List.of(new ContractionTask(contraction, List.of(destination), null, false)));
        return destination.toDoubleArray();
    }
}
