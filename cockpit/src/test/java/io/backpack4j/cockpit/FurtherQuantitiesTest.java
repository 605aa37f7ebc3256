// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Quantities beyond the original's, against gradients of batches of one sample each, parameters before and after, and a
 * Hessian of differences of gradients.
 */
class FurtherQuantitiesTest {

    private static final double RATE = 0.3;
    private static final int SAMPLES = 7;

    @TempDir
    Path folder;

    private static String model(String reduction) {
        return """
                {"nodes": [{"name": "0", "type": "Linear", "in_features": 3, "out_features": 2, "inputs": ["input"]},
                {"name": "1", "type": "Tanh", "inputs": ["0"]},
                {"name": "2", "type": "Linear", "in_features": 2, "out_features": 3, "inputs": ["1"]}],
                "output": "2", "loss": {"type": "CrossEntropyLoss", "reduction": "%s"}}""".formatted(reduction);
    }

    private final double[] inputs = new Random(5).doubles(SAMPLES * 3, -2, 2).toArray();
    private final long[] classes = new Random(6).longs(SAMPLES, 0, 3).toArray();
    private final long[] ids = new Random(7).longs(SAMPLES, 100, 1000).toArray();

    private Batch batch(BackPack backpack, int from, int to) {
        return backpack.batch(DType.FLOAT64)
                .input("input", Shape.of(to - from, 3), Arrays.copyOfRange(inputs, 3 * from, 3 * to))
                .targets(Shape.of(to - from), Arrays.copyOfRange(classes, from, to))
                .sampleIds(Arrays.copyOfRange(ids, from, to))
                .build();
    }

    private double[] gradient(BackPack backpack, Model model, int from, int to) {
        try (Batch batch = batch(backpack, from, to);
                Results results = backpack.compute(model, batch)) {
            return model.parameters().trainable().stream()
                    .flatMapToDouble(
                            name -> Arrays.stream(results.gradient(name).toDoubleArray()))
                    .toArray();
        }
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    private static double[] numbers(Model model) {
        return model.parameters().trainable().stream()
                .flatMapToDouble(
                        name -> Arrays.stream(model.parameters().get(name).toDoubleArray()))
                .toArray();
    }

    private static void set(Model model, double[] numbers) {
        int from = 0;
        for (String name : model.parameters().trainable()) {
            int size = Math.toIntExact(model.parameters().get(name).shape().elements());
            model.parameters().set(name, Arrays.copyOfRange(numbers, from, from + size));
            from += size;
        }
    }

    /** The matrix of central differences of gradients, made symmetric. */
    private double[][] hessian(BackPack backpack, Model mean) {
        double[] at = numbers(mean);
        int size = at.length;
        double step = 1e-5;
        double[][] columns = new double[size][];
        for (int i = 0; i < size; i++) {
            double[] moved = at.clone();
            moved[i] = at[i] + step;
            set(mean, moved);
            double[] above = gradient(backpack, mean, 0, SAMPLES);
            moved[i] = at[i] - step;
            set(mean, moved);
            double[] below = gradient(backpack, mean, 0, SAMPLES);
            columns[i] = IntStream.range(0, size)
                    .mapToDouble(j -> (above[j] - below[j]) / (2 * step))
                    .toArray();
        }
        set(mean, at);
        double[][] symmetric = new double[size][size];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                symmetric[i][j] = (columns[i][j] + columns[j][i]) / 2;
            }
        }
        return symmetric;
    }

    /** Eigenvalues, ascending, by rotations (Jacobi 1846). */
    private static double[] eigenvalues(double[][] matrix) {
        int size = matrix.length;
        for (int sweep = 0; sweep < 50; sweep++) {
            for (int p = 0; p < size; p++) {
                for (int q = p + 1; q < size; q++) {
                    double angle = 0.5 * Math.atan2(2 * matrix[p][q], matrix[q][q] - matrix[p][p]);
                    double c = Math.cos(angle);
                    double s = Math.sin(angle);
                    for (int k = 0; k < size; k++) {
                        double a = matrix[k][p];
                        double b = matrix[k][q];
                        matrix[k][p] = c * a - s * b;
                        matrix[k][q] = s * a + c * b;
                    }
                    for (int k = 0; k < size; k++) {
                        double a = matrix[p][k];
                        double b = matrix[q][k];
                        matrix[p][k] = c * a - s * b;
                        matrix[q][k] = s * a + c * b;
                    }
                }
            }
        }
        return IntStream.range(0, size).mapToDouble(i -> matrix[i][i]).sorted().toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"mean", "sum"})
    void values_are_those_of_single_samples_of_parameters_and_of_a_hessian_of_differences(String reduction) {
        Path path = folder.resolve("run.jsonl");
        try (BackPack backpack = BackPack.create();
                Model mean = backpack.model(ModelFile.parse(model("mean"), "m"), DType.FLOAT64, Shape.of(3));
                Model model = backpack.model(ModelFile.parse(model(reduction), "m"), DType.FLOAT64, Shape.of(3))) {
            mean.parameters().initialize(4);
            model.parameters().initialize(4);
            double[] before = numbers(model);
            double[][] single = new double[SAMPLES][];
            for (int n = 0; n < SAMPLES; n++) {
                single[n] = gradient(backpack, mean, n, n + 1);
            }
            double[] ascending = eigenvalues(hessian(backpack, mean));
            try (Cockpit cockpit = Cockpit.builder(backpack, model)
                    .quantities("NoiseScale,UpdateRatio(per=network),UnusualSamples(count=3),"
                            + "Eigenvalues(count=2,tolerance=1e-10,max_products=1000)")
                    .log(path)
                    .open()) {
                for (long step = 0; step < 2; step++) {
                    try (Batch batch = batch(backpack, 0, SAMPLES)) {
                        StepRequest request = cockpit.request(step, batch);
                        try (Results results = request.run(backpack, model, batch)) {
                            cockpit.track(step, results);
                            if (step == 0) {
                                model.parameters()
                                        .trainable()
                                        .forEach(name -> backpack.backend()
                                                .elementwise()
                                                .addScaled(
                                                        -RATE,
                                                        results.gradient(name),
                                                        model.parameters().get(name)));
                            }
                            cockpit.stepped(step);
                        }
                    }
                }
            }
            RunLog log = Cockpit.load(path);
            noise(log, single);
            samples(log, single);
            double[] after = numbers(model);
            double[] update = IntStream.range(0, before.length)
                    .mapToDouble(i -> after[i] - before[i])
                    .toArray();
            assertThat(number(log, "UpdateRatio"))
                    .isCloseTo(Math.sqrt(dot(update, update) / dot(before, before)), within(1e-12));
            double[] found = ((Value.Several) log.value(0, "Eigenvalues").orElseThrow())
                    .values().stream()
                            .mapToDouble(each -> each.number().orElseThrow())
                            .toArray();
            int last = ascending.length - 1;
            assertThat(found)
                    .containsExactly(
                            new double[] {ascending[last], ascending[last - 1], ascending[0], ascending[1]},
                            within(1e-7));
            assertThat(((Map<?, ?>) log.details().get(0L).get("Eigenvalues")).toString())
                    .contains("top=", "bottom=", "residual=")
                    .doesNotContain("converged=false");
        }
    }

    private static double number(RunLog log, String label) {
        return log.value(0, label).orElseThrow().number().orElseThrow();
    }

    private static double[] mean(double[][] single) {
        return IntStream.range(0, single[0].length)
                .mapToDouble(i -> Arrays.stream(single)
                        .mapToDouble(each -> each[i])
                        .average()
                        .orElseThrow())
                .toArray();
    }

    private static void noise(RunLog log, double[][] single) {
        double[] mean = mean(single);
        double trace = 0;
        for (double[] own : single) {
            for (int i = 0; i < mean.length; i++) {
                trace += (own[i] - mean[i]) * (own[i] - mean[i]) / (SAMPLES - 1);
            }
        }
        double squared = dot(mean, mean) - trace / SAMPLES;
        if (squared > 0) {
            assertThat(number(log, "NoiseScale")).isCloseTo(trace / squared, within(1e-9 * trace / squared));
        } else {
            assertThat(log.value(0, "NoiseScale").orElseThrow()).isInstanceOf(Value.Missing.class);
        }
    }

    private void samples(RunLog log, double[][] single) {
        double[] mean = mean(single);
        List<Integer> byNorm =
                new ArrayList<>(IntStream.range(0, SAMPLES).boxed().toList());
        byNorm.sort((a, b) -> Double.compare(dot(single[b], single[b]), dot(single[a], single[a])));
        List<Integer> opposed = new ArrayList<>(IntStream.range(0, SAMPLES)
                .filter(n -> dot(single[n], mean) < 0)
                .boxed()
                .toList());
        opposed.sort((a, b) -> Double.compare(dot(single[a], mean), dot(single[b], mean)));
        Map<?, ?> details = (Map<?, ?>) log.details().get(0L).get("UnusualSamples");
        List<?> longest = (List<?>) details.get("longest");
        assertThat(longest).hasSize(3);
        for (int i = 0; i < 3; i++) {
            Map<?, ?> own = (Map<?, ?>) longest.get(i);
            assertThat(((Number) own.get("id")).longValue()).isEqualTo(ids[byNorm.get(i)]);
            assertThat((Double) own.get("norm"))
                    .isCloseTo(Math.sqrt(dot(single[byNorm.get(i)], single[byNorm.get(i)])), within(1e-12));
        }
        assertThat(number(log, "UnusualSamples")).isEqualTo((Double) ((Map<?, ?>) longest.get(0)).get("norm"));
        List<?> against = (List<?>) details.get("most_opposed");
        assertThat(against).hasSize(Math.min(3, opposed.size())).isNotEmpty();
        for (int i = 0; i < against.size(); i++) {
            Map<?, ?> own = (Map<?, ?>) against.get(i);
            double[] gradient = single[opposed.get(i)];
            assertThat(((Number) own.get("id")).longValue()).isEqualTo(ids[opposed.get(i)]);
            assertThat((Double) own.get("inner_product")).isCloseTo(dot(gradient, mean), within(1e-12));
            assertThat((Double) own.get("cosine"))
                    .isCloseTo(
                            dot(gradient, mean) / Math.sqrt(dot(gradient, gradient) * dot(mean, mean)), within(1e-12));
        }
    }
}
