// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
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
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FactoredParameterTest {

    private static final double TOLERANCE = 1e-12;

    static Stream<Sizes> sizes() {
        List<Sizes> sizes = new ArrayList<>();
        for (int columns : new int[] {1, 3}) {
            for (int groups : new int[] {1, 2}) {
                for (boolean left : new boolean[] {true, false}) {
                    for (boolean right : new boolean[] {true, false}) {
                        sizes.add(new Sizes(columns, 5, groups, 3, 4, 1, left, right));
                        sizes.add(new Sizes(columns, 5, groups, 3, 4, 4, left, right));
                        sizes.add(new Sizes(columns, 4, groups, 9, 8, 4, left, right));
                    }
                }
            }
        }
        // Large enough for deviations of factors from their means: in pairs of samples, and in runs of these.
        sizes.add(new Sizes(1, 3, 1, 9, 8, 1, true, true));
        sizes.add(new Sizes(1, 9, 1, 9, 8, 1, true, true));
        return sizes.stream();
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void agreesWithDefinitions(Sizes sizes) {
        Random random = Randomness.of(sizes.toString());
        HeapBackend backend = new HeapBackend();
        try (backend;
                TensorScope scope = backend.openScope()) {
            RandomFactors factors = new RandomFactors(backend, scope, sizes, random);
            GradientOracle oracle =
                    new GradientOracle(sizes.columns(), sizes.samples(), factors.parameter(), factors.gradients());
            new ContractionChecks(backend, factors.derivatives(), oracle, random, TOLERANCE).run();
        }
    }

    @Test
    void choosesTheCheaperForm() {
        assertThat(new FactorSizes(1, 3, 4, 4, true).prefersGram()).isFalse();
        assertThat(new FactorSizes(1, 9, 8, 4, true).prefersGram()).isTrue();
    }

    @Test
    void takesNormsOverSeveralRunsOfGramMatrices() {
        Sizes sizes = new Sizes(2, 40, 2000, 7, 7, 3, true, true);
        assertThat(sizes.factors().prefersGram()).isTrue();
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            RandomFactors factors = new RandomFactors(backend, scope, sizes, Randomness.of("runs"));
            Tensor norms = scope.allocate(Shape.of(2, 40), DType.FLOAT64);
            Contraction contraction = new Contraction.SquaredNorms();

            factors.derivatives().execute(List.of(new ContractionTask(contraction, List.of(norms), null, false)));

            double[] expected = new GradientOracle(2, 40, factors.parameter(), factors.gradients())
                    .compute(contraction, null)
                    .get(0);
            Numbers.assertClose("norms", norms.toDoubleArray(), expected, TOLERANCE);
        }
    }

    @Test
    void takesSamplesThatDoNotFitIntoOneRun() {
        // 8 · 256 · 384 bytes: five gradients in a run of 4 MiB
        Sizes sizes = new Sizes(2, 7, 1, 256, 384, 2, true, true);
        Random random = Randomness.of(sizes.toString());
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            RandomFactors factors = new RandomFactors(backend, scope, sizes, random);
            GradientOracle oracle =
                    new GradientOracle(sizes.columns(), sizes.samples(), factors.parameter(), factors.gradients());
            Tensor sum = scope.allocate(factors.parameter(), DType.FLOAT64);
            Tensor squares = scope.allocate(factors.parameter(), DType.FLOAT64);
            Tensor perSample = scope.allocate(factors.parameter().prepend(sizes.samples()), DType.FLOAT64);
            List<ContractionTask> tasks = List.of(
                    new ContractionTask(new Contraction.Moments(), List.of(sum, squares), null, false),
                    new ContractionTask(new Contraction.SumOfSquaresPerSample(), List.of(perSample), null, false));

            factors.derivatives().execute(tasks);

            for (ContractionTask task : tasks) {
                List<double[]> expected = oracle.compute(task.contraction(), null);
                for (int i = 0; i < expected.size(); i++) {
                    double[] actual = task.destinations().get(i).toDoubleArray();
                    Numbers.assertClose(task.contraction().toString(), actual, expected.get(i), TOLERANCE);
                }
            }
        }
    }
}
