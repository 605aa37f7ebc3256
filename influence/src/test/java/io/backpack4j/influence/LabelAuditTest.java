// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Scores of labels against gradients of single samples in plain Java. */
class LabelAuditTest {

    private static final int SAMPLES = 60;
    private static final double DAMPING = 0.02;

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

    private static CurvatureExtension<?> curvature(String name) {
        return (CurvatureExtension<?>) backpack.catalog().extension(name, Map.of());
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    private static double meanCosine(SoftmaxRegression data, double[] theta, int n) {
        double[] own = data.gradient(theta, n);
        return IntStream.range(0, SAMPLES)
                .filter(m -> m != n && data.labels[m] == data.labels[n])
                .mapToDouble(m -> {
                    double[] other = data.gradient(theta, m);
                    return dot(own, other) / Math.sqrt(dot(own, own) * dot(other, other));
                })
                .average()
                .orElseThrow();
    }

    /** Points around centres that a plane can part, sample 7 with another label, and the minimum for them. */
    private static SoftmaxRegression separable() {
        Random random = new Random(3);
        double[][] inputs = new double[SAMPLES][SoftmaxRegression.FEATURES];
        int[] labels = new int[SAMPLES];
        for (int n = 0; n < SAMPLES; n++) {
            int centre = n % SoftmaxRegression.CLASSES;
            for (int d = 0; d < SoftmaxRegression.FEATURES; d++) {
                inputs[n][d] = 0.3 * random.nextGaussian() + (d == centre ? 3 : 0);
            }
            labels[n] = n == 7 ? 2 : centre;
        }
        return new SoftmaxRegression(inputs, labels, 1.0 / SAMPLES, DAMPING);
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void scores_are_those_of_gradients_of_single_samples_however_the_data_is_split(LossReduction reduction) {
        double factor = reduction == LossReduction.MEAN ? 1.0 / SAMPLES : 1;
        SoftmaxRegression data = SoftmaxRegression.points(SAMPLES, 15, factor, DAMPING);
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        double[][] hessian = data.hessian(theta, -1);
        try (Model model = SoftmaxNetwork.model(backpack, theta, reduction)) {
            LabelScores scores = LabelAudit.scores(
                    backpack, model, curvature("DiagGGNExact"), DAMPING, SoftmaxNetwork.source(data), 17);
            for (int n = 0; n < SAMPLES; n++) {
                double[] gradient = data.gradient(theta, n);
                double[] probabilities = data.probabilities(theta, n);
                int likely = scores.predicted()[n];
                assertThat(probabilities[likely])
                        .isEqualTo(Arrays.stream(probabilities).max().orElseThrow(), within(1e-12))
                        .isEqualTo(scores.predictedProbabilities()[n], within(1e-12));
                assertThat(scores.labelProbabilities()[n]).isEqualTo(probabilities[data.labels[n]], within(1e-12));
                assertThat(scores.labels()[n]).isEqualTo(data.labels[n]);
                assertThat(scores.ids()[n]).isEqualTo(n);
                assertThat(scores.values(LabelScore.LOSS)[n]).isEqualTo(data.loss(theta, n), within(1e-12));
                assertThat(scores.values(LabelScore.GRADIENT_NORM)[n])
                        .isEqualTo(Math.sqrt(dot(gradient, gradient)), within(1e-11));
                assertThat(scores.values(LabelScore.ALIGNMENT)[n]).isEqualTo(meanCosine(data, theta, n), within(1e-11));
                double[] divided = new double[gradient.length];
                Arrays.setAll(divided, i -> factor * factor * gradient[i] / hessian[i][i]);
                assertThat(scores.values(LabelScore.SELF_INFLUENCE)[n])
                        .isEqualTo(dot(divided, gradient), within(1e-11));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(LabelScore.class)
    void a_wrong_label_comes_first_by_every_score(LabelScore score) {
        SoftmaxRegression data = separable();
        double[] theta = data.minimum(new double[SoftmaxRegression.PARAMETERS], -1);
        try (Model model = SoftmaxNetwork.model(backpack, theta, LossReduction.MEAN)) {
            LabelScores scores =
                    LabelAudit.scores(backpack, model, curvature("KFAC"), 1e-3, SoftmaxNetwork.source(data), 256);
            assertThat(scores.order(score)[0]).isEqualTo(7);
            assertThat(scores.ranks(score)[7]).isOne();
            assertThat(scores.ranks(score)).doesNotHaveDuplicates();
            assertThat(scores.predicted()[7]).isOne();
        }
    }

    @Test
    void the_only_sample_of_its_label_is_aligned_with_none() {
        try (Model model =
                SoftmaxNetwork.model(backpack, new double[SoftmaxRegression.PARAMETERS], LossReduction.MEAN)) {
            double[] inputs = {1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0};
            LabelScores scores =
                    LabelAudit.scores(backpack, model, curvature("KFAC"), 1, SoftmaxNetwork.source(inputs, 0, 0, 2), 2);
            assertThat(scores.values(LabelScore.ALIGNMENT)).containsExactly(new double[] {1, 1, 0}, within(1e-12));
        }
    }

    @Test
    void what_has_no_labels_is_refused_by_name() {
        Graph graph = Graph.sequential(new Linear(SoftmaxRegression.FEATURES, SoftmaxRegression.CLASSES));
        double[] inputs = new double[2 * SoftmaxRegression.FEATURES];
        CurvatureExtension<?> curvature = curvature("KFAC");
        try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT64, Shape.of(SoftmaxRegression.FEATURES))) {
            assertThatThrownBy(() ->
                            LabelAudit.scores(backpack, model, curvature, 1, SoftmaxNetwork.source(inputs, 0, 1), 2))
                    .hasMessageContaining("MSELoss")
                    .hasMessageContaining("CrossEntropyLoss or NLLLoss");
        }
        try (Model model =
                SoftmaxNetwork.model(backpack, new double[SoftmaxRegression.PARAMETERS], LossReduction.MEAN)) {
            assertThatThrownBy(() ->
                            LabelAudit.scores(backpack, model, curvature, 1, SoftmaxNetwork.source(inputs, 0, -100), 2))
                    .hasMessageContaining("The label of sample 1 is -100");
        }
    }
}
