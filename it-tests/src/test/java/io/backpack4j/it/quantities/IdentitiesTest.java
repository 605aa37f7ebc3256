// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds between quantities whatever their values are. */
class IdentitiesTest {

    private static final int N = 6;

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, CrossEntropyLoss, 3", "FLOAT32, CrossEntropyLoss, 1", "FLOAT32_FALLBACK, CrossEntropyLoss, 3",
        "FLOAT64, MSELoss, 9", "FLOAT32, MSELoss, 1", "FLOAT32_FALLBACK, MSELoss, 9",
        "FLOAT64, BCEWithLogitsLoss, 9", "FLOAT32, BCEWithLogitsLoss, 1", "FLOAT32_FALLBACK, BCEWithLogitsLoss, 9"
    })
    void moments_are_those_of_the_individual_gradients(Setting setting, String loss, int samples) {
        Problem problem = Networks.residual(loss, "mean", samples);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> results = passes.firstOrder(problem, PassOptions.DEFAULT);
            for (String parameter : problem.trained()) {
                double[] gradients = results.get(parameter + "/grad_batch");
                int size = gradients.length / samples;
                double[] sum = new double[size];
                double[] squares = new double[size];
                double[] norms = new double[samples];
                for (int i = 0; i < gradients.length; i++) {
                    sum[i % size] += gradients[i];
                    squares[i % size] += gradients[i] * gradients[i];
                    norms[i / size] += gradients[i] * gradients[i];
                }
                double[] variance = new double[size];
                for (int i = 0; i < size; i++) {
                    double mean = results.get(parameter + "/grad")[i] / samples;
                    variance[i] = results.get(parameter + "/sum_grad_squared")[i] / samples - mean * mean;
                }
                setting.assertClose(parameter, results.get(parameter + "/grad"), sum);
                setting.assertClose(parameter, results.get(parameter + "/sum_grad_squared"), squares);
                setting.assertClose(parameter, results.get(parameter + "/batch_l2"), norms);
                setting.assertClose(parameter, results.get(parameter + "/variance"), variance);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, CrossEntropyLoss, 1", "FLOAT32, CrossEntropyLoss, 1", "FLOAT32_FALLBACK, CrossEntropyLoss, 1",
        "FLOAT64, MSELoss, 3", "FLOAT32, MSELoss, 3", "FLOAT32_FALLBACK, MSELoss, 3",
        "FLOAT64, BCEWithLogitsLoss, 3", "FLOAT32, BCEWithLogitsLoss, 3", "FLOAT32_FALLBACK, BCEWithLogitsLoss, 3"
    })
    void a_mean_is_a_sum_over_the_number_of_terms(Setting setting, String loss, int termsPerSample) {
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> mean = passes.firstOrder(Networks.residual(loss, "mean", N), PassOptions.DEFAULT);
            Map<String, double[]> sum = passes.firstOrder(Networks.residual(loss, "sum", N), PassOptions.DEFAULT);
            double c = 1.0 / (N * termsPerSample);
            Map<String, double[]> expected = new TreeMap<>();
            sum.forEach((name, values) -> {
                double factor = switch (name.substring(name.lastIndexOf('/') + 1)) {
                    case "output", "loss_batch" -> 1;
                    case "loss", "grad", "grad_batch" -> c;
                    default -> c * c;
                };
                expected.put(
                        name, Arrays.stream(values).map(value -> factor * value).toArray());
            });
            setting.assertClose(loss, mean, expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_order_of_samples_is_only_that_of_results_per_sample(Setting setting) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", N);
        int[] order = {4, 2, 5, 0, 3, 1};
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> expected = new TreeMap<>();
            passes.firstOrder(problem, PassOptions.DEFAULT).forEach((name, values) -> {
                boolean perSample = name.equals("output") || name.contains("batch");
                expected.put(
                        name,
                        perSample
                                ? new Numbers(new int[] {N, values.length / N}, values)
                                        .rows(order)
                                        .values()
                                : values);
            });
            setting.assertClose("permuted", passes.firstOrder(problem.pick(order), PassOptions.DEFAULT), expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void chunks_change_nothing(Setting setting) {
        Problem problem = Networks.residual("MSELoss", "mean", N);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> whole = passes.firstOrder(problem, PassOptions.DEFAULT);
            for (int chunk = 1; chunk <= N + 1; chunk++) {
                Map<String, double[]> chunked = passes.firstOrder(problem, PassOptions.DEFAULT.chunk(chunk));
                setting.assertClose("chunks of " + chunk, chunked, whole);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_sum_over_parts_of_a_batch_is_that_over_the_batch(Setting setting) {
        Problem problem = Networks.residual("BCEWithLogitsLoss", "sum", N);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> whole = passes.firstOrder(problem, PassOptions.DEFAULT);
            Map<String, double[]> first = passes.firstOrder(problem.pick(0, 1), PassOptions.DEFAULT);
            Map<String, double[]> second = passes.firstOrder(problem.pick(2, 3, 4, 5), PassOptions.DEFAULT);
            whole.forEach((name, values) -> {
                if (name.equals("loss") || name.endsWith("/grad") || name.endsWith("/sum_grad_squared")) {
                    double[] sum = IntStream.range(0, values.length)
                            .mapToDouble(i -> first.get(name)[i] + second.get(name)[i])
                            .toArray();
                    setting.assertClose(name, sum, values);
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void equal_samples_have_no_variance_but_the_rounding_of_their_mean(Setting setting) {
        double digits = setting.dtype() == DType.FLOAT64 ? 0x1p-52 : 0x1p-23;
        try (Passes passes = new Passes(setting)) {
            for (String loss : List.of("CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss")) {
                for (int samples : new int[] {1, 2, 3, 7, 33}) {
                    Problem problem = Networks.residual(loss, "mean", 2).pick(new int[samples]);
                    for (long chunk : new long[] {1, 2, samples}) {
                        Map<String, double[]> results = passes.firstOrder(problem, PassOptions.DEFAULT.chunk(chunk));
                        for (String parameter : problem.trained()) {
                            double[] gradient = results.get(parameter + "/grad_batch");
                            double largest =
                                    Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
                            double most = Math.pow(4 * samples * digits * largest, 2);
                            assertThat(Arrays.stream(results.get(parameter + "/variance")))
                                    .as("%s, %d samples in chunks of %d, %s", parameter, samples, chunk, loss)
                                    .allMatch(value -> value >= 0 && value <= most);
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_variance_is_never_negative(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (int samples : new int[] {1, 2, 3, 5, 10, 31}) {
                Problem problem = nearlyEqual(Networks.residual("MSELoss", "sum", 1), samples);
                for (long chunk : new long[] {1, 3, samples}) {
                    passes.firstOrder(problem, PassOptions.DEFAULT.chunk(chunk)).forEach((name, values) -> {
                        if (name.endsWith("/variance")) {
                            assertThat(Arrays.stream(values)).as(name).allMatch(value -> value >= 0);
                        }
                    });
                }
            }
        }
    }

    /** Copies of one sample with noise in the last digits of single precision. */
    private static Problem nearlyEqual(Problem problem, int samples) {
        Problem copies = problem.pick(new int[samples]);
        Random random = new Random(samples);
        Numbers input = copies.inputs().get("input");
        double[] noisy = Arrays.stream(input.values())
                .map(value -> value * (1 + 1e-7 * random.nextGaussian()))
                .toArray();
        return new Problem(
                copies.model(),
                Map.of("input", new Numbers(input.shape(), noisy)),
                copies.targets(),
                copies.parameters());
    }

    /**
     * The gradients of weight and bias are 2 (f − y) x and 2 (f − y) with f = 0, y near −5000 and x = 1: their mean is
     * 10⁴ times their spread.
     */
    @ParameterizedTest
    @EnumSource
    void a_huge_common_mean_does_not_cost_the_digits_of_the_variance(Setting setting) {
        ModelDescription model = Networks.model("MSELoss", "sum", Networks.linear("0", 2, 3));
        Random random = new Random(5);
        int samples = 100;
        double[] targets = IntStream.range(0, samples * 3)
                .mapToDouble(i -> -5000 - Math.rint(random.nextGaussian() * 32) / 64)
                .toArray();
        double[] inputs = IntStream.range(0, samples * 2).mapToDouble(i -> 1).toArray();
        Problem problem = new Problem(
                model,
                Map.of("input", new Numbers(new int[] {samples, 2}, inputs)),
                new Numbers(new int[] {samples, 3}, targets),
                Map.of(
                        "0.weight", new Numbers(new int[] {3, 2}, new double[6]),
                        "0.bias", new Numbers(new int[] {3}, new double[3])));
        Map<String, double[]> expected = new FirstOrder(problem).results();
        assertThat(Arrays.stream(expected.get("0.weight/variance"))).allMatch(value -> value > 0.5 && value < 2);
        assertThat(Arrays.stream(expected.get("0.bias/grad"))).allMatch(value -> value > 9990.0 * samples);
        try (Passes passes = new Passes(setting)) {
            for (long chunk : new long[] {samples, 1, 7}) {
                Map<String, double[]> actual = passes.firstOrder(problem, PassOptions.DEFAULT.chunk(chunk));
                setting.assertClose("chunks of " + chunk, actual, expected);
            }
            // A mean of many numbers in single precision has four digits of their spread, and two such means are
            // compared.
            double[] variance =
                    passes.firstOrder(problem, PassOptions.DEFAULT.chunk(64)).get("0.weight/variance");
            assertThat(variance).containsExactly(expected.get("0.weight/variance"), within(1e-3));
        }
    }
}
