// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.BatchDiagHessian;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shapes of use that break weak seams. */
class SeamsTest {

    private static final int N = 5;

    private static BackPack backpack;

    @BeforeAll
    static void load() {
        backpack = BackPack.builder().backend("cpu").threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static Graph tied(boolean tie) {
        return Graph.builder()
                .add("first", new Linear(4, 4))
                .add("between", new Tanh())
                .add(new Graph.Node(
                        "second",
                        new Linear(4, 4),
                        List.of(),
                        Frozen.NONE,
                        tie ? Map.of("weight", "first.weight", "bias", "first.bias") : Map.of()))
                .add("after", new Tanh())
                .add("last", new Linear(4, 3))
                .build();
    }

    private static Map<String, double[]> run(
            Graph graph, Loss loss, Map<String, double[]> parameters, PassOptions options, Request<?>... requests) {
        Random random = new Random(3);
        double[] inputs = random.doubles(N * 4, -1, 1).toArray();
        try (Model model = backpack.model(graph, loss, DType.FLOAT64, Shape.of(4))) {
            model.parameters().initialize(7);
            parameters.forEach((name, values) -> model.parameters().set(name, values));
            var builder = backpack.batch(DType.FLOAT64).input("input", Shape.of(N, 4), inputs);
            try (Batch batch = (loss instanceof CrossEntropyLoss
                            ? builder.targets(Shape.of(N), new long[] {0, 2, 1, 1, 0})
                            : builder.targets(
                                    Shape.of(N, 3),
                                    random.doubles(N * 3L, -1, 1).toArray()))
                    .build()) {
                Plan plan = backpack.plan(model, batch, List.of(requests), options);
                try (Results results = plan.run(batch)) {
                    Map<String, double[]> arrays = new TreeMap<>();
                    results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
                    assertThat(plan.results().keySet())
                            .isEqualTo(results.tensors().keySet());
                    results.tensors()
                            .forEach((name, tensor) -> assertThat(
                                            plan.results().get(name).shape())
                                    .as(name)
                                    .isEqualTo(tensor.shape()));
                    return arrays;
                }
            }
        }
    }

    private static CrossEntropyLoss crossEntropy() {
        return new CrossEntropyLoss(LossReduction.MEAN);
    }

    private static Request<?>[] firstOrder() {
        return new Request<?>[] {
            Request.of(new BatchGrad()),
            Request.of(new BatchL2Grad()),
            Request.of(new SumGradSquared()),
            Request.of(new Variance())
        };
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach(
                (name, values) -> assertThat(actual.get(name)).as(name).containsExactly(values, within(1e-11)));
    }

    @Test
    void a_tied_parameter_sums_its_uses_before_squaring() {
        double[] weight = new Random(1).doubles(16, -1, 1).toArray();
        double[] bias = new Random(2).doubles(4, -1, 1).toArray();
        Map<String, double[]> untiedParameters = new LinkedHashMap<>();
        for (String node : List.of("first", "second")) {
            untiedParameters.put(node + ".weight", weight);
            untiedParameters.put(node + ".bias", bias);
        }
        var untied = run(tied(false), crossEntropy(), untiedParameters, PassOptions.DEFAULT, firstOrder());
        var tied = run(
                tied(true),
                crossEntropy(),
                Map.of("first.weight", weight, "first.bias", bias),
                PassOptions.DEFAULT,
                firstOrder());
        assertThat(tied).doesNotContainKey("second.weight/grad");
        for (String name : List.of("weight", "bias")) {
            double[] first = untied.get("first." + name + "/grad_batch");
            double[] second = untied.get("second." + name + "/grad_batch");
            double[] sum = new double[first.length];
            for (int i = 0; i < sum.length; i++) {
                sum[i] = first[i] + second[i];
            }
            assertThat(tied.get("first." + name + "/grad_batch")).containsExactly(sum, within(1e-12));
            int size = sum.length / N;
            double[] norms = new double[N];
            double[] squares = new double[size];
            for (int n = 0; n < N; n++) {
                for (int i = 0; i < size; i++) {
                    double g = sum[n * size + i];
                    norms[n] += g * g;
                    squares[i] += g * g;
                }
            }
            assertThat(tied.get("first." + name + "/batch_l2")).containsExactly(norms, within(1e-12));
            assertThat(tied.get("first." + name + "/sum_grad_squared")).containsExactly(squares, within(1e-12));
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 5", "true, 5", "false, 2", "true, 2", "true, 1"})
    void ghost_clipping_equals_materialised_clipping(boolean tie, long chunk) {
        double[] norms =
                totalNorms(run(tied(tie), crossEntropy(), Map.of(), PassOptions.DEFAULT, Request.of(new BatchGrad())));
        double bound = (Arrays.stream(norms).min().getAsDouble()
                        + Arrays.stream(norms).max().getAsDouble())
                / 2;
        var results = run(
                tied(tie),
                crossEntropy(),
                Map.of(),
                PassOptions.DEFAULT.chunk(chunk),
                Request.of(new GhostClipping(bound)),
                Request.of(new BatchGrad()));
        assertThat(results.get("*/clipped_grad/norms")).containsExactly(norms, within(1e-12));
        for (String parameter : parameters(results)) {
            double[] gradients = results.get(parameter + "/grad_batch");
            double[] sum = new double[gradients.length / N];
            for (int i = 0; i < gradients.length; i++) {
                sum[i % sum.length] += gradients[i] * Math.min(1, bound / norms[i / sum.length]);
            }
            assertThat(results.get(parameter + "/clipped_grad")).containsExactly(sum, within(1e-12));
        }
    }

    private static List<String> parameters(Map<String, double[]> results) {
        return results.keySet().stream()
                .filter(name -> name.endsWith("/grad"))
                .map(name -> name.substring(0, name.length() - 5))
                .toList();
    }

    private static double[] totalNorms(Map<String, double[]> results) {
        double[] norms = new double[N];
        for (String parameter : parameters(results)) {
            double[] gradients = results.get(parameter + "/grad_batch");
            for (int i = 0; i < gradients.length; i++) {
                norms[i / (gradients.length / N)] += gradients[i] * gradients[i];
            }
        }
        return Arrays.stream(norms).map(Math::sqrt).toArray();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 3", "2, 1", "2, 2", "3, 2", "5, 1", "5, 2", "4, 3"})
    void chunks_crossed_with_column_blocks_change_nothing(long chunk, long block) {
        for (boolean tie : new boolean[] {false, true}) {
            var whole = run(
                    tied(tie), crossEntropy(), Map.of(), PassOptions.DEFAULT, Request.of(new EveryMergeRule(false)));
            var split = run(
                    tied(tie),
                    crossEntropy(),
                    Map.of(),
                    PassOptions.DEFAULT.chunk(chunk).block(block),
                    Request.of(new EveryMergeRule(false)));
            assertSame(split, whole);
        }
    }

    @Test
    void results_by_contraction_and_by_hand_agree() {
        var results =
                run(tied(false), crossEntropy(), Map.of(), PassOptions.DEFAULT, Request.of(new EveryMergeRule(true)));
        for (String parameter : List.of("first.weight", "second.bias", "last.weight")) {
            String prefix = parameter + "/rules/";
            assertThat(results.get(prefix + "hand_diag")).containsExactly(results.get(prefix + "diag"), within(1e-13));
            assertThat(results.get(prefix + "hand_diag_batch"))
                    .containsExactly(results.get(prefix + "diag_batch"), within(1e-13));
            double[] root = results.get(prefix + "root");
            assertThat(results.get(prefix + "hand_root")).containsExactly(root, within(1e-14));
            double largest = 0;
            for (double value : root) {
                largest = Math.max(largest, value * value);
            }
            assertThat(results.get(prefix + "hand_max")[0]).isCloseTo(largest, within(1e-14));
            assertThat(results.get(prefix + "hand_whole"))
                    .containsExactly(results.get(prefix + "moments_sum"), within(1e-13));
            int size = root.length / (3 * N);
            double[] some = results.get(prefix + "root_some");
            int[] wanted = {4, 0, 1, 1};
            for (int v = 0; v < 3; v++) {
                for (int k = 0; k < 4; k++) {
                    for (int i = 0; i < size; i++) {
                        assertThat(some[(v * 4 + k) * size + i]).isEqualTo(root[(v * N + wanted[k]) * size + i]);
                    }
                }
            }
        }
    }

    @Test
    void what_does_not_merge_is_refused_in_chunks_and_whole_in_blocks() {
        assertThatThrownBy(() -> run(
                        tied(false),
                        crossEntropy(),
                        Map.of(),
                        PassOptions.DEFAULT.chunk(2),
                        Request.of(new EveryMergeRule(true))))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[NotMergeable]");
        var whole =
                run(tied(false), crossEntropy(), Map.of(), PassOptions.DEFAULT, Request.of(new EveryMergeRule(true)));
        var blocks = run(
                tied(false),
                crossEntropy(),
                Map.of(),
                PassOptions.DEFAULT.block(2),
                Request.of(new EveryMergeRule(true)));
        assertSame(blocks, whole);
    }

    private static Graph gated() {
        return Graph.builder()
                .add("stem", new Linear(4, 3))
                .add("left", new Tanh(), "stem")
                .add("right", new Linear(3, 3), "stem")
                .add("gate", new GatedSquare(), "left", "right")
                .add("head", new Linear(3, 3))
                .build();
    }

    @Test
    void curvature_of_nodes_may_be_wanted_in_a_later_stage() {
        Loss loss = new MSELoss(LossReduction.SUM);
        for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(2))) {
            Map<String, double[]> results = run(
                    tied(false),
                    loss,
                    Map.of(),
                    options,
                    Request.of(new LateHessian(1)),
                    Request.of(new LateHessian(2)),
                    Request.of(new DiagHessian()),
                    Request.of(new DiagGGNExact()));
            for (String parameter : List.of("first.weight", "second.bias", "last.weight")) {
                double[] hessian = results.get(parameter + "/diag_h");
                double[] ggn = results.get(parameter + "/diag_ggn_exact");
                double[] late = results.get(parameter + "/residual2");
                assertThat(late).containsExactly(results.get(parameter + "/residual1"));
                for (int i = 0; i < hessian.length; i++) {
                    assertThat(ggn[i] + late[i]).isCloseTo(hessian[i], within(1e-12));
                }
            }
            assertThat(results.get("first.weight/residual2")).doesNotContain(0);
            assertThat(results.get("last.weight/residual2")).containsOnly(0);
        }
    }

    @Test
    void columns_of_nodes_are_for_weighted_squares_only() {
        TensorExtension norms = new TensorExtension() {
            @Override
            public String resultName() {
                return "norms";
            }

            @Override
            public void declare(int stage, SiteDeclaration site) {
                site.accumulate("norms", new ResidualCurvature(), new Contraction.SquaredNorms());
            }

            @Override
            public Tensor finish(SitePartial partial) {
                return partial.tensor("norms");
            }
        };
        assertThatThrownBy(() -> run(tied(false), crossEntropy(), Map.of(), PassOptions.DEFAULT, Request.of(norms)))
                .hasMessageContaining("[InvalidDeclaration] Partial result 'norms' is SquaredNorms[] of the signal"
                        + " 'curvature of non-linear nodes', whose columns are weighted");
    }

    @Test
    void modules_without_a_second_derivative_are_refused_all_at_once() {
        Graph graph = Graph.builder()
                .add("stem", new Linear(4, 3))
                .add("left", new Tanh(), "stem")
                .add("gate", new GatedSquare(), "left", "stem")
                .add("other", new GatedSquare(), "gate", "left")
                .build();
        Loss loss = new MSELoss(LossReduction.MEAN);
        Request<?>[] hessians = {Request.of(new DiagHessian()), Request.of(new BatchDiagHessian())};
        assertThatThrownBy(() -> run(graph, loss, Map.of(), PassOptions.DEFAULT, hessians))
                .isInstanceOfSatisfying(
                        BackpackException.class,
                        e -> assertThat(e.problems())
                                .extracting(problem -> "[%s] %s".formatted(problem.id(), problem.message()))
                                .containsExactlyInAnyOrder(
                                        noRule("DiagHessian", "gate"),
                                        noRule("DiagHessian", "other"),
                                        noRule("BatchDiagHessian", "gate"),
                                        noRule("BatchDiagHessian", "other")));
        Request<?> gain = Request.of(new DiagGGNExact());
        assertThat(run(graph, loss, Map.of(), PassOptions.DEFAULT, gain)).containsKey("gate.gain/diag_ggn_exact");
    }

    private static String noRule(String extension, String node) {
        return "[UnsupportedModule] %s has no rule for node '%s' (GatedSquare). Modules with one: Linear, Tanh, and others that 'backpack support' lists. Use %s(products=true), which is exact through products of the Hessian with unit vectors, or Hutchinson's estimate of the diagonal with a Hessian operator."
                .formatted(extension, node, extension);
    }

    @Test
    void a_foreign_module_with_two_inputs_and_a_foreign_loss_have_right_gradients() {
        Request<?>[] all = {
            Request.of(new BatchGrad()),
            Request.of(new BatchL2Grad()),
            Request.of(new Variance()),
            Request.of(new GhostClipping(0.01))
        };
        var results = run(gated(), new LogCoshLoss(), Map.of(), PassOptions.DEFAULT, all);
        assertSame(run(gated(), new LogCoshLoss(), Map.of(), PassOptions.DEFAULT.chunk(2), all), results);
        Map<String, double[]> parameters = new TreeMap<>();
        try (Model model = backpack.model(gated(), new LogCoshLoss(), DType.FLOAT64, Shape.of(4))) {
            model.parameters().initialize(7);
            for (String name : model.parameters().names()) {
                Tensor tensor = model.parameters().get(name);
                parameters.put(name, tensor.toDoubleArray());
            }
        }
        double step = 1e-5;
        parameters.forEach((name, values) -> {
            double[] gradient = results.get(name + "/grad");
            for (int i = 0; i < values.length; i++) {
                double[] losses = new double[2];
                for (int side = 0; side < 2; side++) {
                    double[] moved = values.clone();
                    moved[i] += side == 0 ? step : -step;
                    losses[side] = run(gated(), new LogCoshLoss(), Map.of(name, moved), PassOptions.DEFAULT)
                            .get("loss")[0];
                }
                assertThat(gradient[i]).as(name).isCloseTo((losses[0] - losses[1]) / (2 * step), within(1e-8));
            }
        });
    }

    @Test
    void a_loss_without_a_root_is_refused_when_planned() {
        assertThatThrownBy(() -> run(
                        gated(),
                        new LogCoshLoss(),
                        Map.of(),
                        PassOptions.DEFAULT,
                        Request.of(new EveryMergeRule(false))))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith("[UnsupportedLoss]");
    }

    @Test
    void a_budget_splits_the_pass_and_a_tiny_one_is_refused() {
        Request<?> request = Request.of(new EveryMergeRule(false));
        Loss loss = new MSELoss(LossReduction.SUM);
        var whole = run(tied(false), loss, Map.of(), PassOptions.DEFAULT, request);
        assertSame(run(tied(false), loss, Map.of(), PassOptions.DEFAULT.memory(1 << 16), request), whole);
        assertThatThrownBy(() -> run(tied(false), loss, Map.of(), PassOptions.DEFAULT.memory(1000), request))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("smallest budget");
    }

    @Test
    void frozen_parameters_get_nothing_and_the_rest_is_unchanged() {
        Graph frozen = Graph.builder()
                .add(new Graph.Node("first", new Linear(4, 4), List.of(), Frozen.ALL, Map.of()))
                .add("between", new Tanh())
                .add(new Graph.Node("second", new Linear(4, 3), List.of(), new Frozen(false, Set.of("bias")), Map.of()))
                .build();
        Graph free = Graph.builder()
                .add("first", new Linear(4, 4))
                .add("between", new Tanh())
                .add("second", new Linear(4, 3))
                .build();
        var all = run(free, crossEntropy(), Map.of(), PassOptions.DEFAULT, firstOrder());
        var some = run(frozen, crossEntropy(), Map.of(), PassOptions.DEFAULT, firstOrder());
        assertThat(some.keySet()).noneMatch(name -> name.startsWith("first") || name.startsWith("second.bias"));
        some.forEach((name, values) -> assertThat(values).as(name).containsExactly(all.get(name), within(1e-13)));
    }
}
