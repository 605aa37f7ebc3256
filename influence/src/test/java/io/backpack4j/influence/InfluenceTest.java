// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Scores against dense matrices in plain Java, and against training again without each sample. */
class InfluenceTest {

    private static final int SAMPLES = 60;
    private static final int TESTS = 7;
    private static final double DAMPING = 0.02;
    /** All eigenvalues that are not zero: a number added to all outputs changes nothing. */
    private static final int RANK =
            SoftmaxRegression.PARAMETERS / SoftmaxRegression.CLASSES * (SoftmaxRegression.CLASSES - 1);

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static Batch batch(SoftmaxRegression data) {
        long[] all = IntStream.range(0, data.labels.length).asLongStream().toArray();
        return SoftmaxNetwork.source(data).read(all, 1).upload(backpack, DType.FLOAT64);
    }

    private static CurvatureExtension<?> curvature(String name) {
        return (CurvatureExtension<?>) backpack.catalog().extension(name, Map.of());
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    private static double[] ranks(double[] values) {
        Integer[] order = IntStream.range(0, values.length).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(i -> values[i]));
        double[] ranks = new double[values.length];
        for (int i = 0; i < order.length; i++) {
            ranks[order[i]] = i - (order.length - 1) / 2.0;
        }
        return ranks;
    }

    private static double spearman(double[] a, double[] b) {
        double[] left = ranks(a);
        double[] right = ranks(b);
        return dot(left, right) / Math.sqrt(dot(left, left) * dot(right, right));
    }

    private static double factor(LossReduction reduction) {
        return reduction == LossReduction.MEAN ? 1.0 / SAMPLES : 1;
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void exact_scores_and_self_influence_are_those_of_the_dense_inverse(LossReduction reduction) {
        double factor = factor(reduction);
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 5, factor, DAMPING);
        SoftmaxRegression tests = SoftmaxRegression.points(TESTS, 6, factor, DAMPING);
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        double[][] hessian = data.hessian(theta, -1);
        try (Model model = SoftmaxNetwork.model(backpack, theta, reduction);
                Batch test = batch(tests);
                Influence influence = Influence.exact(
                        backpack, model, new CurvatureMatrix.GaussNewton(), DAMPING, SoftmaxNetwork.source(data))) {
            double[][] scores = influence.scores(test);
            for (int t = 0; t < TESTS; t++) {
                double[] solved = SoftmaxRegression.solve(hessian, tests.gradient(theta, t));
                for (int n = 0; n < SAMPLES; n++) {
                    double expected = -factor * dot(solved, data.gradient(theta, n));
                    assertThat(scores[t][n]).isCloseTo(expected, within(1e-8));
                }
            }
            double[] own = influence.selfInfluence();
            for (int n = 0; n < SAMPLES; n++) {
                double[] gradient = data.gradient(theta, n);
                double expected = factor * factor * dot(gradient, SoftmaxRegression.solve(hessian, gradient));
                assertThat(own[n]).isCloseTo(expected, within(1e-8));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void diagonal_scores_are_those_of_the_matrix_diagonal_however_the_data_is_split(LossReduction reduction) {
        double factor = factor(reduction);
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 15, factor, DAMPING);
        SoftmaxRegression tests = SoftmaxRegression.points(TESTS, 16, factor, DAMPING);
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        double[][] hessian = data.hessian(theta, -1);
        try (Model model = SoftmaxNetwork.model(backpack, theta, reduction);
                Batch test = batch(tests);
                Influence influence = Influence.of(
                        backpack, model, curvature("DiagGGNExact"), DAMPING, SoftmaxNetwork.source(data), 17)) {
            double[][] scores = influence.scores(test);
            double[] own = influence.selfInfluence();
            for (int n = 0; n < SAMPLES; n++) {
                double[] gradient = data.gradient(theta, n);
                double[] divided = new double[gradient.length];
                Arrays.setAll(divided, i -> factor * gradient[i] / hessian[i][i]);
                for (int t = 0; t < TESTS; t++) {
                    double expected = -dot(divided, tests.gradient(theta, t));
                    assertThat(scores[t][n]).isCloseTo(expected, within(1e-11));
                }
                assertThat(own[n]).isCloseTo(factor * dot(divided, gradient), within(1e-11));
            }
        }
    }

    /**
     * Classes overlap here. The further apart they are, the more a sample's curvature depends on its inputs, which
     * Kronecker factors take as independent: with centres five times as far, theirs correlate by 0.5 to 0.6 only, and
     * the exact inverse's still by more than 0.95.
     */
    @ParameterizedTest
    @CsvSource({"exact, 0.95", "low rank, 0.95", "KFLR, 0.8", "KFAC, 0.8"})
    void scores_rank_samples_as_training_without_them_does(String inverse, double least) {
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 25, 1.0 / SAMPLES, DAMPING);
        SoftmaxRegression tests = SoftmaxRegression.points(TESTS, 26, 1.0 / SAMPLES, DAMPING);
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        double[][] changes = new double[TESTS][SAMPLES];
        for (int n = 0; n < SAMPLES; n++) {
            double[] without = data.minimum(theta, n);
            for (int t = 0; t < TESTS; t++) {
                changes[t][n] = tests.loss(theta, t) - tests.loss(without, t);
            }
        }
        try (Model model = SoftmaxNetwork.model(backpack, theta, LossReduction.MEAN);
                Batch test = batch(tests);
                Influence influence = influence(inverse, model, data)) {
            double[][] scores = influence.scores(test);
            double sum = 0;
            for (int t = 0; t < TESTS; t++) {
                sum += spearman(scores[t], changes[t]);
            }
            assertThat(sum / TESTS).isGreaterThanOrEqualTo(least);
        }
    }

    private static Influence influence(String inverse, Model model, SoftmaxRegression data) {
        return switch (inverse) {
            case "exact" ->
                Influence.exact(backpack, model, new CurvatureMatrix.Hessian(), DAMPING, SoftmaxNetwork.source(data));
            case "low rank" ->
                Influence.lowRank(
                        backpack, model, new CurvatureMatrix.GaussNewton(), RANK, DAMPING, SoftmaxNetwork.source(data));
            default -> Influence.of(backpack, model, curvature(inverse), DAMPING, SoftmaxNetwork.source(data));
        };
    }

    @Test
    void low_rank_scores_with_all_eigenvectors_are_those_of_the_dense_inverse() {
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 55, 1.0 / SAMPLES, DAMPING);
        SoftmaxRegression tests = SoftmaxRegression.points(TESTS, 56, 1.0 / SAMPLES, DAMPING);
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        double[][] hessian = data.hessian(theta, -1);
        try (Model model = SoftmaxNetwork.model(backpack, theta, LossReduction.MEAN);
                Batch test = batch(tests);
                Influence influence = Influence.lowRank(
                        backpack,
                        model,
                        new CurvatureMatrix.GaussNewton(),
                        SoftmaxRegression.PARAMETERS,
                        DAMPING,
                        SoftmaxNetwork.source(data))) {
            double[][] scores = influence.scores(test);
            for (int t = 0; t < TESTS; t++) {
                double[] solved = SoftmaxRegression.solve(hessian, tests.gradient(theta, t));
                for (int n = 0; n < SAMPLES; n++) {
                    assertThat(scores[t][n]).isCloseTo(-dot(solved, data.gradient(theta, n)) / SAMPLES, within(1e-7));
                }
            }
            assertThatThrownBy(() -> Influence.lowRank(
                            backpack, model, new CurvatureMatrix.GaussNewton(), 1, 0, SoftmaxNetwork.source(data)))
                    .hasMessageContaining("damping is 0.0");
        }
    }

    @Test
    void the_top_are_the_largest_by_absolute_value_with_their_ids() {
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 35, 1.0 / SAMPLES, DAMPING);
        SoftmaxRegression tests = SoftmaxRegression.points(2, 36, 1.0 / SAMPLES, DAMPING);
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        try (Model model = SoftmaxNetwork.model(backpack, theta, LossReduction.MEAN);
                Batch test = batch(tests);
                Influence influence =
                        Influence.of(backpack, model, curvature("KFLR"), DAMPING, SoftmaxNetwork.source(data), 13)) {
            double[][] scores = influence.scores(test);
            List<List<Influential>> top = influence.topK(test, 5);
            assertThat(top).hasSize(2);
            for (int t = 0; t < 2; t++) {
                double[] row = scores[t];
                List<Long> expected = IntStream.range(0, SAMPLES)
                        .boxed()
                        .sorted(Comparator.comparingDouble(n -> -Math.abs(row[n])))
                        .limit(5)
                        .map(Integer::longValue)
                        .toList();
                assertThat(top.get(t)).extracting(Influential::id).isEqualTo(expected);
                assertThat(top.get(t)).allSatisfy(one -> assertThat(one.score()).isEqualTo(row[(int) one.id()]));
            }
            assertThat(influence.topK(test, 1000).get(0)).hasSize(SAMPLES);
            assertThatThrownBy(() -> influence.topK(test, 0)).hasMessageContaining("1 is the least");
        }
    }

    @Test
    void curvature_that_has_no_inverse_is_said_with_its_parameter() {
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 45, 1.0 / SAMPLES, 0);
        double[] zero = new double[SoftmaxRegression.PARAMETERS];
        // The bias's block of softmax is singular: a number added to all outputs changes nothing.
        try (Model model = SoftmaxNetwork.model(backpack, zero, LossReduction.MEAN)) {
            assertThatThrownBy(() -> Influence.of(backpack, model, curvature("KFLR"), 0, SoftmaxNetwork.source(data)))
                    .hasMessageContaining("The curvature of parameter '0.");
            assertThatThrownBy(() -> Influence.of(backpack, model, curvature("KFLR"), -1, SoftmaxNetwork.source(data)))
                    .hasMessageContaining("damping is -1.0");
            assertThatThrownBy(
                            () -> Influence.of(backpack, model, curvature("KFLR"), 1, SoftmaxNetwork.source(data), 0))
                    .hasMessageContaining("at least 1");
        }
    }
}
