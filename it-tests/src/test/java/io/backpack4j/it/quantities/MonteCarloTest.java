// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Draws: what they tend to, and what they depend on. */
class MonteCarloTest {

    private static final int N = 4;
    private static final long[] IDS = LongStream.range(0, N).toArray();

    @ParameterizedTest
    @CsvSource({
        "CrossEntropyLoss, mean",
        "CrossEntropyLoss, sum",
        "MSELoss, mean",
        "MSELoss, sum",
        "BCEWithLogitsLoss, mean",
        "BCEWithLogitsLoss, sum"
    })
    void estimates_are_unbiased(String loss, String reduction) {
        checkMean(Networks.residual(loss, reduction, N));
    }

    static List<LossOptions.Named> options() {
        return LossOptions.curved(N);
    }

    @ParameterizedTest
    @MethodSource("options")
    void estimates_of_every_option_are_unbiased(LossOptions.Named named) {
        checkMean(named.problem());
    }

    private static void checkMean(Problem problem) {
        int draws = 3000;
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Map<String, double[]> results = passes.run(
                    problem,
                    List.of(passes.request("DiagGGNExact", Map.of()), passes.request("SqrtGGNMC", mc(draws))),
                    PassOptions.DEFAULT.block(100));
            for (String parameter : problem.trained()) {
                double[] exact = results.get(parameter + "/diag_ggn_exact");
                double[] roots = results.get(parameter + "/sqrt_ggn_mc");
                double largest = Arrays.stream(exact).max().orElseThrow();
                for (int p = 0; p < exact.length; p++) {
                    double[] terms = new double[draws];
                    for (int m = 0; m < draws; m++) {
                        for (int n = 0; n < N; n++) {
                            double root = roots[(m * N + n) * exact.length + p];
                            terms[m] += draws * root * root;
                        }
                    }
                    double mean = Arrays.stream(terms).average().orElseThrow();
                    double squares = Arrays.stream(terms)
                            .map(term -> (term - mean) * (term - mean))
                            .sum();
                    double error = Math.sqrt(squares / (draws - 1) / draws);
                    assertThat(Math.abs(mean - exact[p]))
                            .as("%s[%d], standard error %s", parameter, p, error)
                            .isLessThan(4.5 * error + 1e-12 * largest);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss"})
    void the_error_falls_with_the_root_of_the_number_of_draws(String loss) {
        checkSlope(Networks.residual(loss, "mean", N));
    }

    @ParameterizedTest
    @MethodSource("options")
    void the_error_of_every_option_falls_with_the_root_of_the_number_of_draws(LossOptions.Named named) {
        checkSlope(named.problem());
    }

    private static void checkSlope(Problem problem) {
        int[] counts = {1, 4, 16, 64, 256};
        double[] x = new double[counts.length];
        double[] y = new double[counts.length];
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Map<String, double[]> exact = passes.run(
                    problem, List.of(passes.request("DiagGGNExact", Map.of("as", "diagonal"))), PassOptions.DEFAULT);
            for (int i = 0; i < counts.length; i++) {
                double squares = 0;
                for (int seed = 0; seed < 24; seed++) {
                    Request<?> request = passes.request("DiagGGNMC", Map.of("mc_samples", counts[i], "as", "diagonal"));
                    Map<String, double[]> drawn =
                            passes.run(problem, List.of(request), PassOptions.DEFAULT, 100 * i + seed, IDS);
                    for (String parameter : problem.trained()) {
                        squares +=
                                relativeSquare(drawn.get(parameter + "/diagonal"), exact.get(parameter + "/diagonal"));
                    }
                }
                x[i] = Math.log(counts[i]);
                y[i] = Math.log(squares) / 2;
            }
        }
        assertThat(slope(x, y)).as("slope of the logarithm of the error").isBetween(-0.58, -0.42);
    }

    private static double relativeSquare(double[] actual, double[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        return difference / norm;
    }

    private static double slope(double[] x, double[] y) {
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double xy = 0;
        double xx = 0;
        for (int i = 0; i < x.length; i++) {
            xy += (x[i] - meanX) * (y[i] - meanY);
            xx += (x[i] - meanX) * (x[i] - meanX);
        }
        return xy / xx;
    }

    @ParameterizedTest
    @EnumSource
    void draws_do_not_depend_on_how_the_pass_is_split(Setting setting) {
        for (String loss : List.of("CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss")) {
            Problem problem = Networks.residual(loss, "mean", N);
            try (Passes passes = new Passes(setting)) {
                Map<String, double[]> whole = passes.run(problem, all(passes, 5), PassOptions.DEFAULT);
                for (int chunk = 1; chunk <= N; chunk++) {
                    for (int block : new int[] {1, 2, 4}) {
                        PassOptions options = PassOptions.DEFAULT.chunk(chunk).block(block);
                        setting.assertClose(loss + " " + options, passes.run(problem, all(passes, 5), options), whole);
                    }
                }
                try (Passes single = new Passes(setting, 1)) {
                    setting.assertClose(
                            loss + " on one thread", single.run(problem, all(single, 5), PassOptions.DEFAULT), whole);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void other_samples_and_seeds_draw_afresh(Setting setting) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", N);
        try (Passes passes = new Passes(setting)) {
            double[] first = drawn(passes, problem, 0, IDS);
            assertThat(drawn(passes, problem, 0, IDS)).containsExactly(first);
            assertThat(drawn(passes, problem, 1, IDS)).isNotEqualTo(first);
            double[] next = drawn(passes, problem, 0, LongStream.range(N, 2 * N).toArray());
            assertThat(next).isNotEqualTo(first);
            // One sample's draws are those of its id, whatever stands beside it.
            double[] mixed = drawn(passes, problem, 0, 0, 1, N + 2, N + 3);
            int half = first.length / 2;
            assertThat(Arrays.copyOf(mixed, half)).containsExactly(Arrays.copyOf(first, half));
            assertThat(Arrays.copyOfRange(mixed, half, 2 * half))
                    .containsExactly(Arrays.copyOfRange(next, half, 2 * half));
        }
    }

    private static double[] drawn(Passes passes, Problem problem, long seed, long... ids) {
        return passes.run(problem, all(passes, 9), PassOptions.DEFAULT, seed, ids)
                .get("6.weight/diag_ggn_mc_batch");
    }

    @ParameterizedTest
    @EnumSource
    void equal_numbers_of_draws_are_equal_draws(Setting setting) {
        Problem problem = Networks.residual("BCEWithLogitsLoss", "sum", N);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> results = passes.run(problem, all(passes, 3), PassOptions.DEFAULT);
            for (String parameter : problem.trained()) {
                double[] diagonal = results.get(parameter + "/diag_ggn_mc");
                double[] ofSamples = new double[diagonal.length];
                double[] ofRoots = new double[diagonal.length];
                double[] batch = results.get(parameter + "/diag_ggn_mc_batch");
                double[] roots = results.get(parameter + "/sqrt_ggn_mc");
                for (int i = 0; i < batch.length; i++) {
                    ofSamples[i % diagonal.length] += batch[i];
                }
                for (int i = 0; i < roots.length; i++) {
                    ofRoots[i % diagonal.length] += roots[i] * roots[i];
                }
                setting.assertClose(parameter, ofSamples, diagonal);
                setting.assertClose(parameter, ofRoots, diagonal);
            }
        }
    }

    private static Map<String, Object> mc(int draws) {
        return Map.of("mc_samples", draws);
    }

    private static List<Request<?>> all(Passes passes, int draws) {
        return List.of(
                passes.request("DiagGGNMC", mc(draws)),
                passes.request("BatchDiagGGNMC", mc(draws)),
                passes.request("SqrtGGNMC", mc(draws)));
    }
}
