// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.vivit.Criterion;
import io.backpack4j.ext.vivit.DirectionalDampedNewton;
import io.backpack4j.ext.vivit.Directions;
import io.backpack4j.ext.vivit.GgnEigenvalues;
import io.backpack4j.ext.vivit.GgnEigenvectors;
import io.backpack4j.ext.vivit.GgnRoot;
import io.backpack4j.it.oracle.DenseCurvature;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Low-rank curvature against dense matrices, identities, and itself in other parts. */
class LowRankTest {

    private static final int N = 4;
    private static final double DAMPING = 0.1;

    static Stream<Arguments> networks() {
        List<String> lines = List.of(
                "5 | Linear 4 | Tanh | Linear 3 | CrossEntropyLoss mean",
                "3,5 | Linear 4 | Sigmoid | Flatten | Linear 3 nobias | MSELoss mean",
                "2,6,6 | Conv2d 4 k=3 p=1 | Tanh | Conv2d 4 k=3 s=2 g=2 | Flatten | Linear 3 | CrossEntropyLoss mean",
                "1,7,7 | Conv2d 3 k=5 | Tanh | Conv2d 20 k=3 | Flatten | Linear 3 | CrossEntropyLoss mean",
                "2,5 | ConvTranspose1d 3 k=3 s=2 | Sigmoid | Flatten | Linear 3 | CrossEntropyLoss mean");
        return Stream.of(
                        lines.stream().map(line -> Arguments.of(line, Written.problem(line, N))),
                        TiedWeightsTest.networks(),
                        Stream.of(Arguments.of("branches", Networks.residual("CrossEntropyLoss", "mean", N))))
                .flatMap(all -> all);
    }

    private static List<Request<?>> requests(Passes passes, Object groups) {
        Map<String, Object> kept = Map.of("groups", groups, "threshold", 1e-3);
        return List.of(
                passes.request("GgnEigenvalues", Map.of("groups", groups)),
                passes.request("GgnEigenvectors", kept),
                passes.request("DirectionalDerivatives", kept),
                passes.request(
                        "DirectionalDampedNewton", Map.of("groups", groups, "threshold", 1e-3, "damping", DAMPING)));
    }

    /** Results whose sizes depend on numbers, and so may be smaller than planned. */
    private static Map<String, double[]> run(
            Passes passes, Problem problem, List<Request<?>> requests, PassOptions options) {
        Map<String, double[]> arrays = new LinkedHashMap<>();
        passes.withModel(problem, (model, batch) -> {
            Plan plan = passes.backpack().plan(model, batch, requests, options);
            try (Results results = plan.run(batch)) {
                results.tensors().forEach((name, tensor) -> {
                    long planned = plan.results().get(name).shape().elements();
                    assertThat(tensor.shape().elements()).as(name).isLessThanOrEqualTo(planned);
                    arrays.put(name, tensor.toDoubleArray());
                });
            }
        });
        return arrays;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void results_are_those_of_the_dense_matrix(String name, Problem problem) {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            compare(passes, problem, "all", List.of(problem.trained()));
            Map<String, List<String>> layers = new LinkedHashMap<>();
            for (String parameter : inOrder(problem)) {
                layers.computeIfAbsent(parameter.substring(0, parameter.lastIndexOf('.')), absent -> new ArrayList<>())
                        .add(parameter);
            }
            compare(passes, problem, "layer", List.copyOf(layers.values()));
        }
    }

    /** The trained parameters in the order of the network, whose nodes are numbered. */
    private static List<String> inOrder(Problem problem) {
        return problem.trained().stream()
                .sorted(Comparator.comparingInt(
                        parameter -> Integer.parseInt(parameter.substring(0, parameter.indexOf('.')))))
                .toList();
    }

    private static void compare(Passes passes, Problem problem, String kind, List<List<String>> groups) {
        Map<String, double[]> results = run(passes, problem, requests(passes, kind), PassOptions.DEFAULT);
        DenseCurvature curvature = new DenseCurvature(problem);
        RealMatrix dense = curvature.gaussNewton();
        for (int g = 0; g < groups.size(); g++) {
            int[] rows = groups.get(g).stream()
                    .flatMapToInt(parameter -> IntStream.range(
                            curvature.start(parameter),
                            curvature.start(parameter) + results.get(parameter + "/grad").length))
                    .toArray();
            compare(results, groups.get(g), g, dense.getSubMatrix(rows, rows));
        }
    }

    private static void compare(Map<String, double[]> results, List<String> group, int g, RealMatrix dense) {
        // Those of a positive semidefinite matrix are its singular values, and found for any rank.
        double[] values = new SingularValueDecomposition(dense).getSingularValues();
        Arrays.sort(values);
        double[] actual = results.get("*/ggn_evals/" + g);
        assertThat(actual.length).isLessThanOrEqualTo(values.length);
        double largest = values[values.length - 1];
        for (int k = 1; k <= values.length; k++) {
            double expected = values[values.length - k];
            double reported = k <= actual.length ? actual[actual.length - k] : 0;
            assertThat(reported).as("eigenvalue %d from the end", k).isCloseTo(expected, within(1e-9 * largest));
        }
        double[] kept = results.get("*/ggn_evecs_evals/" + g);
        double[][] vectors = vectors(results, group, kept.length);
        double[] gradient = join(results, group, "grad");
        double[] step = new double[gradient.length];
        for (int k = 0; k < kept.length; k++) {
            double[] multiplied = dense.operate(vectors[k]);
            for (int i = 0; i < multiplied.length; i++) {
                assertThat(multiplied[i]).isCloseTo(kept[k] * vectors[k][i], within(1e-9 * largest));
            }
            for (int other = 0; other <= k; other++) {
                assertThat(dot(vectors[k], vectors[other])).isCloseTo(k == other ? 1 : 0, within(1e-9));
            }
            double slope = dot(vectors[k], gradient);
            double factor = -slope / (kept[k] + DAMPING);
            for (int i = 0; i < step.length; i++) {
                step[i] += factor * vectors[k][i];
            }
            assertThat(mean(results.get("*/gammas/" + g), k, kept.length)).isCloseTo(slope, within(1e-9));
            assertThat(mean(results.get("*/lambdas/" + g), k, kept.length)).isCloseTo(kept[k], within(1e-9 * largest));
        }
        double[] newton = join(results, group, "damped_newton");
        assertThat(newton).containsExactly(step, within(1e-9));
    }

    private static double mean(double[] rows, int column, int columns) {
        return IntStream.range(0, rows.length / columns)
                .mapToDouble(row -> rows[row * columns + column])
                .average()
                .orElseThrow();
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    private static double[] join(Map<String, double[]> results, List<String> parameters, String name) {
        return parameters.stream()
                .flatMapToDouble(parameter -> Arrays.stream(results.get(parameter + "/" + name)))
                .toArray();
    }

    private static double[][] vectors(Map<String, double[]> results, List<String> parameters, int count) {
        double[][] vectors = new double[count][];
        for (int k = 0; k < count; k++) {
            int row = k;
            vectors[k] = parameters.stream()
                    .flatMapToDouble(parameter -> {
                        double[] all = results.get(parameter + "/ggn_evecs");
                        int size = all.length / count;
                        return Arrays.stream(all, row * size, (row + 1) * size);
                    })
                    .toArray();
        }
        return vectors;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void eigenvalues_add_up_to_the_trace(String name, Problem problem) {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(
                    passes.request("GgnEigenvalues", Map.of("groups", "parameter")),
                    passes.request("DiagGGNExact", Map.of()));
            Map<String, double[]> results = passes.run(problem, requests, PassOptions.DEFAULT);
            List<String> parameters = inOrder(problem);
            for (int g = 0; g < parameters.size(); g++) {
                double trace = Arrays.stream(results.get(parameters.get(g) + "/diag_ggn_exact"))
                        .sum();
                assertThat(Arrays.stream(results.get("*/ggn_evals/" + g)).sum())
                        .isCloseTo(trace, within(1e-10 * Math.max(1, trace)));
            }
        }
    }

    @Test
    void the_kernel_is_that_of_the_jacobian() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", N);
        RealMatrix jacobian = new DenseCurvature(problem).jacobian();
        RealMatrix expected = jacobian.multiply(jacobian.transpose());
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.block(2))) {
                Map<String, double[]> results =
                        passes.run(problem, List.of(passes.request("Ntk", Map.of("layerwise", true))), options);
                double[] flat = Arrays.stream(expected.getData())
                        .flatMapToDouble(Arrays::stream)
                        .toArray();
                Setting.FLOAT64.assertClose("kernel", results.get("*/ntk"), flat);
                double[] sum = new double[flat.length];
                for (String parameter : problem.trained()) {
                    double[] own = results.get(parameter + "/ntk");
                    Arrays.setAll(sum, i -> sum[i] + own[i]);
                }
                Setting.FLOAT64.assertClose("sum of parameters", sum, flat);
            }
        }
    }

    @Test
    void blocks_and_budgets_change_nothing() {
        Problem problem = Written.problem(
                "2,6,6 | Conv2d 4 k=3 p=1 | Tanh | Conv2d 4 k=3 | Flatten | Linear 3 | CrossEntropyLoss mean", 12);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = requests(passes, "layer");
            Map<String, double[]> whole = run(passes, problem, requests, PassOptions.DEFAULT);
            Map<String, double[]> alone = run(passes, problem, requests, PassOptions.DEFAULT.block(1));
            Setting.FLOAT64.assertClose("one column at a time", alone, whole);
            long peak = passes.peak(problem, requests, PassOptions.DEFAULT);
            long least = passes.peak(problem, requests, PassOptions.DEFAULT.block(1));
            assertThat(least).isLessThan(peak);
            PassOptions budget = PassOptions.DEFAULT.memory((2 * peak + least) / 3);
            Setting.FLOAT64.assertClose("within a budget", run(passes, problem, requests, budget), whole);
        }
    }

    /** Distances of the trace and the largest eigenvalue from the exact ones, at M and 64 M draws: 8 times less. */
    @Test
    void drawn_versions_converge() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 3);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            double[] exact = passes.run(
                            problem, List.of(passes.request("GgnEigenvalues", Map.of())), PassOptions.DEFAULT)
                    .get("*/ggn_evals/0");
            double few = distance(passes, problem, exact, 4);
            double many = distance(passes, problem, exact, 256);
            assertThat(few / many).isBetween(5.0, 13.0);
        }
    }

    private static double distance(Passes passes, Problem problem, double[] exact, int draws) {
        List<Request<?>> requests = List.of(passes.request("GgnEigenvalues", Map.of("mc_samples", draws)));
        double squares = 0;
        int seeds = 40;
        for (int seed = 0; seed < seeds; seed++) {
            double[] drawn = passes.run(
                            problem,
                            requests,
                            PassOptions.DEFAULT,
                            seed,
                            IntStream.range(0, problem.samples()).asLongStream().toArray())
                    .get("*/ggn_evals/0");
            double distance = Arrays.stream(drawn).sum() - Arrays.stream(exact).sum();
            squares += distance * distance;
        }
        return Math.sqrt(squares / seeds);
    }

    @Test
    void one_extension_serves_batches_of_any_size() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            var newton = new DirectionalDampedNewton(
                    new GgnRoot().in(ParameterGroups.of(List.of(List.of("4.*"), List.of("6.weight")))),
                    Directions.top(2),
                    Optional.empty(),
                    (eigenvalues, gammas, lambdas) -> {
                        assertThat(gammas[0]).hasSameSizeAs(lambdas[0]).hasSameSizeAs(eigenvalues);
                        return new double[] {1, 2};
                    });
            for (int samples : new int[] {8, 6}) {
                Problem problem = Networks.residual("CrossEntropyLoss", "mean", samples);
                Map<String, double[]> results = passes.run(problem, List.of(Request.of(newton)), PassOptions.DEFAULT);
                assertThat(results).containsKeys("4.weight/damped_newton", "6.weight/damped_newton");
                assertThat(results).doesNotContainKeys("0.weight/damped_newton", "6.bias/damped_newton");
                try (Passes others = new Passes(Setting.FLOAT64)) {
                    Map<String, double[]> fresh = others.run(problem, List.of(Request.of(newton)), PassOptions.DEFAULT);
                    Setting.FLOAT64.assertClose("fresh", results, fresh);
                }
            }
        }
    }

    @Test
    void all_extensions_share_one_matrix_and_typed_results() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", N);
        var values = new GgnEigenvalues();
        Criterion everySecond = eigenvalues ->
                IntStream.of(1, 3).map(k -> eigenvalues.length - k).boxed().toList();
        var vectors = new GgnEigenvectors(Directions.of(everySecond));
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            passes.withModel(problem, (model, batch) -> {
                try (Results results = passes.backpack().compute(model, batch, values, vectors)) {
                    double[] all = results.network(values).get(0).toDoubleArray();
                    Tensor kept = results.network(vectors).get(0);
                    assertThat(kept.toDoubleArray())
                            .containsExactly(new double[] {all[all.length - 1], all[all.length - 3]}, within(1e-12));
                    assertThat(results.get(vectors, "0.weight").shape().size(0)).isEqualTo(2);
                }
            });
        }
    }

    @Test
    void what_counts_as_zero_is_refused_or_dropped() {
        Problem problem = Written.problem("5 | Linear 3 | CrossEntropyLoss mean", 3);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            // Three samples of two degrees of freedom each.
            assertThatThrownBy(() -> run(
                            passes,
                            problem,
                            List.of(passes.request("GgnEigenvectors", Map.of("top", 7))),
                            PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[RankTooLow]")
                    .hasMessageContaining("the numerical rank is 6")
                    .hasMessageContaining("drop=true");
            assertThatThrownBy(() -> run(
                            passes,
                            problem,
                            List.of(passes.request("GgnEigenvectors", Map.of("top", 10))),
                            PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("has at most 9, the smaller of its root's 9 columns and its 18 parameters");
            Map<String, double[]> dropped = run(
                    passes,
                    problem,
                    List.of(passes.request("GgnEigenvectors", Map.of("top", 10, "drop", true))),
                    PassOptions.DEFAULT);
            assertThat(dropped.get("*/ggn_evecs_evals/0")).hasSize(6);
            assertThat(dropped.get("0.weight/ggn_evecs")).hasSize(6 * 15).doesNotContain(Double.NaN);
            assertThatThrownBy(() -> run(
                            passes,
                            problem,
                            List.of(passes.request("DirectionalDerivatives", Map.of("keep", List.of(0)))),
                            PassOptions.DEFAULT))
                    .hasMessageContaining("which counts as zero");
            assertThatThrownBy(() -> run(
                            passes,
                            problem,
                            List.of(passes.request(
                                    "GgnEigenvalues", Map.of("groups", List.of(List.of("0.*"), List.of("1.weight"))))),
                            PassOptions.DEFAULT))
                    .hasMessageContaining("[InvalidGroups]")
                    .hasMessageContaining("has no parameter");
        }
    }

    @Test
    void a_matrix_beyond_the_budget_is_refused() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 60);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(passes.request("GgnEigenvalues", Map.of()));
            assertThatThrownBy(() -> run(passes, problem, requests, PassOptions.DEFAULT.memory(200_000)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[MemoryBudget]")
                    .hasMessageContaining("[180, 180]");
        }
    }
}
