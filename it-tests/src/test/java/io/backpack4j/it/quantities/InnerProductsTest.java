// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.it.oracle.DenseCurvature;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.seams.GramMatrices;
import io.backpack4j.it.seams.SampleCosines;
import io.backpack4j.it.seams.TopEigenvector;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Inner products of the gradients of two signals, per parameter and over the network, against those of gradients that
 * lie in memory.
 */
class InnerProductsTest {

    private static final int N = 4;

    static Stream<Arguments> networks() {
        List<String> lines = List.of(
                "5 | Linear 4 | Tanh | Linear 3 | CrossEntropyLoss mean",
                "3,5 | Linear 4 | Sigmoid | Flatten | Linear 3 nobias | MSELoss sum",
                "2,6,6 | Conv2d 4 k=3 p=1 | Tanh | Conv2d 4 k=3 s=2 g=2 | Flatten | Linear 3 | CrossEntropyLoss mean",
                "2,5 | ConvTranspose1d 3 k=3 s=2 | Sigmoid | Flatten | Linear 3 | CrossEntropyLoss sum");
        return Stream.concat(
                lines.stream().map(line -> Arguments.of(line, Written.problem(line, N))), TiedWeightsTest.networks());
    }

    private static List<Request<?>> requests(Passes passes, GramMatrices grams) {
        List<Request<?>> requests = new ArrayList<>(List.of(Request.of(grams)));
        requests.add(passes.request("BatchGrad", Map.of()));
        requests.add(passes.request("SqrtGGNExact", Map.of()));
        requests.add(passes.request("SqrtGGNMC", Map.of("mc_samples", 2)));
        return requests;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void matrices_are_those_of_gradients(String name, Problem problem) {
        var some = new GramMatrices(Optional.of(List.of(3, 0)), Optional.of(List.of(2, 2, 1)));
        for (Setting setting : List.of(Setting.FLOAT64, Setting.FLOAT32)) {
            try (Passes passes = new Passes(setting)) {
                compare(setting, passes, problem, new GramMatrices(), PassOptions.DEFAULT);
                compare(setting, passes, problem, some, PassOptions.DEFAULT.block(2));
                if (setting == Setting.FLOAT64) {
                    compare(setting, passes, problem, new GramMatrices(), PassOptions.DEFAULT.block(1));
                    compare(setting, passes, problem, new GramMatrices(), PassOptions.DEFAULT.block(2));
                    compare(setting, passes, problem, some, PassOptions.DEFAULT);
                }
            }
        }
    }

    private static void compare(
            Setting setting, Passes passes, Problem problem, GramMatrices grams, PassOptions options) {
        Map<String, double[]> results = passes.run(problem, requests(passes, grams), options);
        List<Integer> all = IntStream.range(0, problem.samples()).boxed().toList();
        List<Integer> gradients = grams.gradients().orElse(all);
        List<Integer> root = grams.root().orElse(all);
        Map<String, double[]> totals = new LinkedHashMap<>();
        for (String parameter : problem.trained()) {
            double[] gradient = results.get(parameter + "/grad_batch");
            double[] columns = results.get(parameter + "/sqrt_ggn_exact");
            double[] sampled = results.get(parameter + "/sqrt_ggn_mc");
            int samples = problem.samples();
            Map<String, double[]> expected = Map.of(
                    "root", products(columns, root, columns, root, samples, gradient.length, false),
                    "mixed", products(columns, root, gradient, gradients, samples, gradient.length, false),
                    "gradient", products(gradient, gradients, gradient, gradients, samples, gradient.length, false),
                    "sampled", products(sampled, all, gradient, gradients, samples, gradient.length, false),
                    "same", products(gradient, root, columns, root, samples, gradient.length, true));
            expected.forEach((key, values) -> {
                String what = parameter + "/gram/" + key;
                setting.assertClose(what + " with " + options, results.get(what), values);
                totals.merge(key, values, InnerProductsTest::sum);
            });
        }
        totals.forEach((key, values) ->
                setting.assertClose(key + " of the network with " + options, results.get("*/gram/" + key), values));
    }

    private static double[] sum(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
    }

    /** ⟨a_vn, b_wm⟩ of gradients {@code [V, N, P]} and {@code [W, N, P]}, N · P being {@code column} numbers. */
    private static double[] products(
            double[] a, List<Integer> left, double[] b, List<Integer> right, int samples, int column, boolean same) {
        int size = column / samples;
        int columns = a.length / column;
        int others = b.length / column;
        List<Double> result = new ArrayList<>();
        if (same) {
            for (int n : left) {
                for (int v = 0; v < columns; v++) {
                    for (int w = 0; w < others; w++) {
                        result.add(dot(a, (v * samples + n) * size, b, (w * samples + n) * size, size));
                    }
                }
            }
        } else {
            for (int v = 0; v < columns; v++) {
                for (int n : left) {
                    for (int w = 0; w < others; w++) {
                        for (int m : right) {
                            result.add(dot(a, (v * samples + n) * size, b, (w * samples + m) * size, size));
                        }
                    }
                }
            }
        }
        return result.stream().mapToDouble(value -> value).toArray();
    }

    private static double dot(double[] a, int from, double[] b, int other, int size) {
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += a[from + i] * b[other + i];
        }
        return sum;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void eigenvalues_are_those_of_the_dense_matrix(String name, Problem problem) {
        double[] dense = new EigenDecomposition(new DenseCurvature(problem).gaussNewton()).getRealEigenvalues();
        Arrays.sort(dense);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            double[] actual = passes.run(problem, List.of(Request.of(new GramMatrices())), PassOptions.DEFAULT)
                    .get("*/gram/evals");
            int common = Math.min(actual.length, dense.length);
            Setting.FLOAT64.assertClose(
                    "eigenvalues",
                    Arrays.copyOfRange(actual, actual.length - common, actual.length),
                    Arrays.copyOfRange(dense, dense.length - common, dense.length));
        }
    }

    /** What a later walk makes of a matrix that was folded. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void eigenvectors_are_sums_of_columns(String name, Problem problem) {
        DenseCurvature curvature = new DenseCurvature(problem);
        RealMatrix dense = curvature.gaussNewton();
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.block(1))) {
                Map<String, double[]> results = passes.run(problem, List.of(Request.of(new TopEigenvector())), options);
                double[] vector = new double[curvature.size()];
                for (String parameter : curvature.parameters()) {
                    double[] part = results.get(parameter + "/top");
                    System.arraycopy(part, 0, vector, curvature.start(parameter), part.length);
                }
                double largest = results.get("*/top")[0];
                double[] multiplied = dense.operate(vector);
                double[] scaled =
                        Arrays.stream(vector).map(value -> largest * value).toArray();
                Setting.FLOAT64.assertClose("G e", multiplied, scaled);
                double norm = Arrays.stream(vector).map(value -> value * value).sum();
                assertThat(norm).isCloseTo(1, within(1e-9));
            }
        }
    }

    @Test
    void blocks_of_a_root_stay_for_later_ones_to_meet() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 4);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(Request.of(new TopEigenvector()));
            passes.withModel(problem, (model, batch) -> {
                Plan whole = passes.backpack().plan(model, batch, requests, PassOptions.DEFAULT);
                Plan alone = passes.backpack().plan(model, batch, requests, PassOptions.DEFAULT.block(1));
                // Three columns: three walks of one instead of one of all, in both stages.
                long nodes = 7;
                assertThat(alone.steps() - whole.steps()).isEqualTo((3 - 1 + 3 - 1) * nodes);
                assertThat(whole.meetings()).isEmpty();
                assertThat(alone.meetings().values()).containsExactly(new Plan.Meetings(3, 2, 3));
                assertThat(alone.toString())
                        .contains(
                                "the columns of root of the loss Hessian meet in 3 blocks, 2 of which are kept while others pass: 3 walks back");
            });
        }
    }

    /** The less memory there is, the fewer blocks stay; the numbers are the same. */
    @Test
    void a_budget_decides_how_blocks_meet() {
        Problem problem = Networks.problem(
                new Random(1),
                Networks.model(
                        "CrossEntropyLoss",
                        "mean",
                        Networks.linear("0", 8, 8),
                        Networks.node("1", "Tanh", Map.of()),
                        Networks.linear("2", 8, 8),
                        Networks.node("3", "Tanh", Map.of()),
                        Networks.linear("4", 8, 8),
                        Networks.node("5", "Flatten", Map.of()),
                        Networks.linear("6", 512, 12)),
                8,
                new int[] {64, 8},
                12);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(Request.of(new TopEigenvector()));
            Map<String, double[]> expected = passes.run(problem, requests, PassOptions.DEFAULT);
            Map<Plan.Meetings, Long> seen = new LinkedHashMap<>();
            passes.withModel(problem, (model, batch) -> {
                long budget = passes.backpack()
                        .plan(model, batch, requests, PassOptions.DEFAULT.block(2))
                        .peakBytes();
                for (budget = 2 * budget; ; budget -= budget / 12) {
                    try {
                        PassOptions options = PassOptions.DEFAULT.block(2).memory(budget);
                        Plan plan = passes.backpack().plan(model, batch, requests, options);
                        Plan.Meetings own = plan.meetings().values().iterator().next();
                        if (seen.put(own, plan.peakBytes()) == null) {
                            try (Results results = plan.run(batch)) {
                                results.tensors()
                                        .forEach((name, tensor) -> Setting.FLOAT64.assertClose(
                                                name + " with " + plan, tensor.toDoubleArray(), expected.get(name)));
                            }
                        }
                    } catch (BackpackException e) {
                        assertThat(e).hasMessageContaining("[MemoryBudget]");
                        break;
                    }
                }
            });
            assertThat(seen.keySet())
                    .contains(new Plan.Meetings(6, 5, 6))
                    .anyMatch(meetings -> meetings.keptBlocks() < 5);
            assertThat(new ArrayList<>(seen.values())).isSortedAccordingTo((a, b) -> Long.compare(b, a));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vivit_mlp_tanh_ce", "vivit_cnn_relu_ce"})
    void matrices_are_those_of_vivit(String file) throws URISyntaxException {
        Path path = Path.of(InnerProductsTest.class
                .getResource("/vivit/" + file + ".safetensors")
                .toURI());
        ReferenceCase reference = ReferenceCase.read(path);
        Problem problem = reference.problem();
        for (Setting setting : Setting.values()) {
            try (Passes passes = new Passes(setting)) {
                Map<String, double[]> results =
                        passes.run(problem, List.of(Request.of(new GramMatrices())), PassOptions.DEFAULT.block(2));
                Map<String, double[]> stored = reference.results();
                setting.assertClose("root", results.get("*/gram/root"), stored.get("hooks/GramSqrtGGNExact"));
                setting.assertClose("gradient", results.get("*/gram/gradient"), stored.get("hooks/GramBatchGrad"));
                for (String parameter : problem.trained()) {
                    setting.assertClose(
                            parameter,
                            results.get(parameter + "/gram/gradient"),
                            stored.get("hooks/GramBatchGrad/" + parameter));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void samples_with_themselves_merge_over_chunks_and_batches(Setting setting) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 7);
        try (Passes passes = new Passes(setting)) {
            List<Request<?>> requests = List.of(Request.of(new SampleCosines()));
            Map<String, double[]> whole = passes.run(problem, requests, PassOptions.DEFAULT);
            assertThat(whole.get("*/cosines")).hasSize(7 * 3).doesNotContain(0.0);
            double[] total = problem.trained().stream()
                    .map(parameter -> whole.get(parameter + "/cosines"))
                    .reduce(new double[7 * 3], InnerProductsTest::sum);
            setting.assertClose("the network", whole.get("*/cosines"), total);
            for (PassOptions options : List.of(
                    PassOptions.DEFAULT.chunk(3),
                    PassOptions.DEFAULT.chunk(2).block(2),
                    PassOptions.DEFAULT.block(1))) {
                setting.assertClose("with " + options, passes.run(problem, requests, options), whole);
            }
            SessionOptions options = SessionOptions.DEFAULT.keepOutputs();
            try (Sessions sessions = new Sessions(passes, problem, requests, options);
                    Session session = sessions.open();
                    Session other = sessions.open()) {
                sessions.add(session, 0, 1, 2);
                sessions.add(other, 3);
                sessions.add(other, 4, 5, 6);
                session.merge(other);
                setting.assertClose("in a session", Sessions.results(session), whole);
            }
        }
    }

    @Test
    void pairs_of_samples_need_the_whole_batch() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 4);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(Request.of(new GramMatrices()));
            assertThatThrownBy(() -> passes.run(problem, requests, PassOptions.DEFAULT.chunk(2)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[NotMergeable]")
                    .hasMessageContaining("Take the batch as a whole");
            try (Sessions sessions = new Sessions(passes, problem, requests, SessionOptions.DEFAULT)) {
                assertThatThrownBy(sessions::open)
                        .isInstanceOf(BackpackException.class)
                        .hasMessageContaining("[NotMergeable]")
                        .hasMessageContaining(
                                "GramMatrices needs inner products of the 'root of the loss Hessian' with itself between all samples");
            }
            var beyond = new GramMatrices(Optional.of(List.of(0, 4)), Optional.empty());
            assertThatThrownBy(() -> passes.run(problem, List.of(Request.of(beyond)), PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("Position 4 of a sub-sample is not in the batch of 4 samples");
        }
    }

    @Test
    void a_matrix_beyond_the_budget_is_refused_with_its_size() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 60);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(Request.of(new GramMatrices()));
            passes.withModel(problem, (model, batch) -> {
                PassOptions tooLittle = PassOptions.DEFAULT.memory(200_000);
                assertThatThrownBy(() -> passes.backpack().plan(model, batch, requests, tooLittle))
                        .isInstanceOf(BackpackException.class)
                        .hasMessageContaining("[MemoryBudget]")
                        .hasMessageContaining("matrix [180, 180] of 259200 bytes");
            });
        }
    }

    @Test
    void a_matrix_beyond_any_tensor_is_refused_with_its_size_without_a_budget() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 16_000);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(Request.of(new GramMatrices()));
            passes.withModel(
                    problem,
                    (model, batch) -> assertThatThrownBy(
                                    () -> passes.backpack().plan(model, batch, requests, PassOptions.DEFAULT))
                            .isInstanceOf(BackpackException.class)
                            .hasMessageContaining("[MemoryBudget]")
                            .hasMessageContaining("matrix [48000, 48000] of 18432000000 bytes")
                            .hasMessageContaining("2147483647 elements"));
        }
    }

    @Test
    void results_of_the_network_are_typed() {
        Problem problem = Networks.residual("MSELoss", "mean", 3);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            GramMatrices grams = new GramMatrices();
            passes.withModel(problem, (model, batch) -> {
                Plan plan = passes.backpack().plan(model, batch, List.of(Request.of(grams)), PassOptions.DEFAULT);
                try (Results results = plan.run(batch)) {
                    GramMatrices.Network network = results.network(grams);
                    assertThat(network.eigenvalues().toDoubleArray())
                            .isEqualTo(results.tensors().get("*/gram/evals").toDoubleArray());
                    assertThat(network.matrices().get("root").shape().size(0)).isEqualTo(9);
                    assertThatThrownBy(() -> results.network(new SampleCosines()))
                            .isInstanceOf(BackpackException.class)
                            .hasMessageContaining("[UnknownResult]");
                }
            });
        }
    }
}
