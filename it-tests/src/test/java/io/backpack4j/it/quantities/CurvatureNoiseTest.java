// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.PlannedUpdate;
import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.vivit.Directions;
import io.backpack4j.ext.vivit.GgnEigenvalues;
import io.backpack4j.ext.vivit.GgnEigenvectors;
import io.backpack4j.ext.vivit.GgnRoot;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the cockpit tells of curvature and its noise, against eigenvectors and gradients of single samples. */
class CurvatureNoiseTest {

    private static final int SAMPLES = 7;
    private static final int TOP = 3;

    @TempDir
    Path folder;

    private static double ratio(double... values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        double squares = Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .sum();
        return mean * mean / (squares / (values.length - 1));
    }

    private static Model model(BackPack backpack, Loss loss) {
        Graph graph = Graph.sequential(new Linear(4, 5), new Tanh(), new Linear(5, 3));
        Model model = backpack.model(graph, loss, DType.FLOAT64, Shape.of(4));
        model.parameters().initialize(2);
        return model;
    }

    private static Batch batch(BackPack backpack, int samples) {
        Random random = Randomness.of("CurvatureNoiseTest");
        double[] inputs = random.doubles(4L * samples, -1, 1).toArray();
        long[] targets = random.longs(samples, 0, 3).toArray();
        return backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(samples, 4), inputs)
                .targets(Shape.of(samples), targets)
                .build();
    }

    private LogLine tracked(BackPack backpack, Model model, Batch batch, String quantity) {
        Path path = folder.resolve("run.jsonl");
        try (Cockpit cockpit =
                Cockpit.builder(backpack, model).quantities(quantity).log(path).open()) {
            try (Results results =
                    cockpit.request(0, batch, PlannedUpdate.UNKNOWN).run(backpack, model, batch)) {
                cockpit.track(0, results);
            }
            cockpit.stepped(0);
        }
        RunLog log = Cockpit.load(path);
        return log.lines().stream()
                .filter(line -> line.values().containsKey("CurvatureNoise"))
                .findFirst()
                .orElseThrow();
    }

    private static double[] numbers(Object list) {
        return ((List<?>) list)
                .stream().mapToDouble(each -> ((Number) each).doubleValue()).toArray();
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void values_and_ratios_are_those_of_eigenvectors_and_single_samples(LossReduction reduction) {
        try (BackPack backpack = BackPack.create();
                Model model = model(backpack, new CrossEntropyLoss(reduction));
                Model mean = model(backpack, new CrossEntropyLoss());
                Batch batch = batch(backpack, SAMPLES)) {
            LogLine line = tracked(backpack, model, batch, "CurvatureNoise(top=3)");
            double[] leading = numbers(line.values().get("CurvatureNoise"));
            Map<?, ?> details = (Map<?, ?>) line.details().get("CurvatureNoise");

            GgnEigenvalues spectrum = new GgnEigenvalues();
            GgnEigenvectors vectors = new GgnEigenvectors(Directions.top(TOP));
            BatchGrad gradients = new BatchGrad();
            try (Results results = backpack.compute(mean, batch, spectrum, vectors, gradients)) {
                double[] all = results.network(spectrum).get(0).toDoubleArray();
                double trace = Arrays.stream(all).sum();
                double share = 0;
                double[][] slopes = new double[TOP][SAMPLES];
                for (String parameter : mean.parameters().trainable()) {
                    double[] basis = results.get(vectors, parameter).toDoubleArray();
                    double[] ofSamples = results.get(gradients, parameter).toDoubleArray();
                    int size = basis.length / TOP;
                    for (int i = 0; i < basis.length; i++) {
                        for (int n = 0; n < SAMPLES; n++) {
                            slopes[i / size][n] += SAMPLES * basis[i] * ofSamples[n * size + i % size];
                        }
                    }
                }
                for (int k = 0; k < TOP; k++) {
                    assertThat(leading[k]).isCloseTo(all[all.length - 1 - k], within(1e-9));
                    share += all[all.length - 1 - k] / trace;
                    double expected = ratio(slopes[TOP - 1 - k]);
                    assertThat(numbers(details.get("slope_to_noise"))[k])
                            .isCloseTo(expected, within(1e-7 * (1 + expected)));
                }
                assertThat((double) details.get("trace")).isCloseTo(trace, within(1e-9));
                assertThat((double) details.get("share")).isCloseTo(share, within(1e-9));
            }
            double[] curvatures = new double[SAMPLES];
            for (int n = 0; n < SAMPLES; n++) {
                curvatures[n] = curvature(backpack, mean, batch, n);
            }
            double expected = ratio(curvatures);
            assertThat(numbers(details.get("curvature_to_noise"))[0])
                    .isCloseTo(expected, within(1e-7 * (1 + expected)));
        }
    }

    /** eᵀ G_n e of the leading eigenvector e, from the eigenpairs of sample n's own matrix. */
    private static double curvature(BackPack backpack, Model model, Batch batch, int sample) {
        GgnEigenvectors leading = new GgnEigenvectors(Directions.top(1));
        GgnEigenvectors own = new GgnEigenvectors(new GgnRoot().ofSamples(List.of(sample)), Directions.threshold(1e-9));
        try (Results whole = backpack.compute(model, batch, leading);
                Results results = backpack.compute(model, batch, own)) {
            double[] values = results.network(own).get(0).toDoubleArray();
            double[] dots = new double[values.length];
            for (String parameter : model.parameters().trainable()) {
                double[] e = whole.get(leading, parameter).toDoubleArray();
                double[] basis = results.get(own, parameter).toDoubleArray();
                for (int i = 0; i < basis.length; i++) {
                    dots[i / e.length] += basis[i] * e[i % e.length];
                }
            }
            double sum = 0;
            for (int k = 0; k < values.length; k++) {
                sum += values[k] * dots[k] * dots[k];
            }
            return sum;
        }
    }

    @Test
    void of_one_sample_ratios_are_missing_and_values_are_not() {
        try (BackPack backpack = BackPack.create();
                Model model = model(backpack, new CrossEntropyLoss());
                Batch batch = batch(backpack, 1)) {
            LogLine line = tracked(backpack, model, batch, "CurvatureNoise(top=2,mc_samples=2)");
            Map<?, ?> details = (Map<?, ?>) line.details().get("CurvatureNoise");
            assertThat(line.values().get("CurvatureNoise"))
                    .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
                    .isNotEmpty();
            assertThat(details.get("slope_to_noise").toString()).contains("a batch of one sample");
        }
    }
}
