// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds between quantities of second order whatever their values are. */
class CurvatureIdentitiesTest {

    private static final int N = 6;

    private static List<Request<?>> exact(Passes passes) {
        return List.of(
                passes.request("DiagGGNExact", Map.of()),
                passes.request("BatchDiagGGNExact", Map.of()),
                passes.request("SqrtGGNExact", Map.of()));
    }

    private static Map<String, double[]> run(Passes passes, Problem problem, PassOptions options) {
        return passes.run(problem, exact(passes), options);
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, CrossEntropyLoss", "FLOAT32, CrossEntropyLoss", "FLOAT32_FALLBACK, CrossEntropyLoss",
        "FLOAT64, MSELoss", "FLOAT32, MSELoss", "FLOAT32_FALLBACK, MSELoss",
        "FLOAT64, BCEWithLogitsLoss", "FLOAT32, BCEWithLogitsLoss", "FLOAT32_FALLBACK, BCEWithLogitsLoss"
    })
    void samples_and_columns_add_up_to_the_diagonal(Setting setting, String loss) {
        Problem problem = Networks.residual(loss, "mean", N);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> results = run(passes, problem, PassOptions.DEFAULT);
            for (String parameter : problem.trained()) {
                double[] diagonal = results.get(parameter + "/diag_ggn_exact");
                int size = diagonal.length;
                double[] ofSamples = new double[size];
                double[] batch = results.get(parameter + "/diag_ggn_exact_batch");
                for (int i = 0; i < batch.length; i++) {
                    ofSamples[i % size] += batch[i];
                }
                double[] ofColumns = new double[size];
                double[] roots = results.get(parameter + "/sqrt_ggn_exact");
                for (int i = 0; i < roots.length; i++) {
                    ofColumns[i % size] += roots[i] * roots[i];
                }
                setting.assertClose(parameter, ofSamples, diagonal);
                setting.assertClose(parameter, ofColumns, diagonal);
                assertThat(Arrays.stream(diagonal)).allMatch(value -> value >= 0);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"CrossEntropyLoss, 1", "MSELoss, 3", "BCEWithLogitsLoss, 3"})
    void curvature_is_of_degree_one_in_the_factor_of_the_reduction(String loss, int termsPerSample) {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Map<String, double[]> mean = run(passes, Networks.residual(loss, "mean", N), PassOptions.DEFAULT);
            Map<String, double[]> sum = run(passes, Networks.residual(loss, "sum", N), PassOptions.DEFAULT);
            double c = 1.0 / (N * termsPerSample);
            sum.forEach((name, values) -> {
                if (name.contains("ggn")) {
                    double factor = name.contains("sqrt") ? Math.sqrt(c) : c;
                    double[] expected =
                            Arrays.stream(values).map(value -> factor * value).toArray();
                    Setting.FLOAT64.assertClose(name, mean.get(name), expected);
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_order_of_samples_is_only_that_of_results_per_sample(Setting setting) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", N);
        int[] order = {4, 2, 5, 0, 3, 1};
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> expected = new TreeMap<>(run(passes, problem, PassOptions.DEFAULT));
            Map<String, double[]> actual = run(passes, problem.pick(order), PassOptions.DEFAULT);
            expected.keySet().removeIf(name -> !name.contains("diag"));
            actual.keySet().removeIf(name -> !name.contains("diag"));
            expected.replaceAll((name, values) -> name.endsWith("batch")
                    ? new Numbers(new int[] {N, values.length / N}, values)
                            .rows(order)
                            .values()
                    : values);
            setting.assertClose("permuted", actual, expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void chunks_and_blocks_change_nothing(Setting setting) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", N);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> whole = run(passes, problem, PassOptions.DEFAULT);
            for (int chunk = 1; chunk <= N; chunk++) {
                for (int block = 1; block <= 3; block++) {
                    PassOptions options = PassOptions.DEFAULT.chunk(chunk).block(block);
                    setting.assertClose(options.toString(), run(passes, problem, options), whole);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_sum_over_parts_of_a_batch_is_that_over_the_batch(Setting setting) {
        Problem problem = Networks.residual("BCEWithLogitsLoss", "sum", N);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> whole = run(passes, problem, PassOptions.DEFAULT);
            Map<String, double[]> first = run(passes, problem.pick(0, 1), PassOptions.DEFAULT);
            Map<String, double[]> second = run(passes, problem.pick(2, 3, 4, 5), PassOptions.DEFAULT);
            whole.forEach((name, values) -> {
                if (name.endsWith("/diag_ggn_exact")) {
                    double[] sum = IntStream.range(0, values.length)
                            .mapToDouble(i -> first.get(name)[i] + second.get(name)[i])
                            .toArray();
                    setting.assertClose(name, sum, values);
                }
            });
        }
    }
}
