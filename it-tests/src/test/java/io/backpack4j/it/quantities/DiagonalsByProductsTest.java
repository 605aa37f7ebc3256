// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.BatchDiagHessian;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Randomness;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Diagonals of Hessians by products with unit vectors, where parameters are tied or a node does not say what its
 * curvature is. {@code -Dbackpack.test.seed=…} draws other networks, {@code -Dbackpack.it.networks=…} more.
 */
class DiagonalsByProductsTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = Integer.getInteger("backpack.it.networks", 30);
    private static final double LEAST_MARGIN = 1e-4;

    private static List<Request<?>> diagonals(Passes passes) {
        return List.of(
                passes.request("DiagHessian", Map.of("products", true)),
                passes.request("BatchDiagHessian", Map.of("products", true)));
    }

    private static Map<String, double[]> expected(Problem problem) {
        Map<String, double[]> expected = new TreeMap<>(new SecondOrder(problem, true).results());
        expected.keySet().removeIf(name -> !name.contains("/diag_h"));
        return expected;
    }

    private static void compare(Setting setting, Passes passes, Problem problem, PassOptions... options) {
        Map<String, double[]> expected = expected(problem);
        for (PassOptions option : options) {
            Map<String, double[]> actual = passes.run(problem, diagonals(passes), option);
            actual.keySet().removeIf(name -> !name.contains("/diag_h"));
            setting.assertClose("%s, %s".formatted(option, problem.model()), actual, expected);
        }
    }

    /** A network with a parameter that is used twice. */
    private static Problem tied(Random random) {
        while (true) {
            Problem problem = RandomProblem.draw(random);
            boolean ties = problem.model().nodes().stream()
                    .anyMatch(node -> !node.ties().isEmpty());
            if (ties && new FirstOrder(problem).margin() > LEAST_MARGIN) {
                return problem;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_diagonals_of_random_networks_with_ties_are_those_of_the_oracle(Setting setting) {
        System.out.printf("Random networks of -Dbackpack.test.seed=%d in %s%n", SEED, setting);
        try (Passes passes = new Passes(setting)) {
            for (int network = 0; network < NETWORKS; network++) {
                Random random = new Random(SEED * 17_000_023 + network);
                Problem problem = tied(random);
                PassOptions split = PassOptions.DEFAULT
                        .chunk(1L + random.nextInt(problem.samples()))
                        .block(1L + random.nextInt(5));
                compare(setting, passes, problem, PassOptions.DEFAULT, split);
            }
        }
    }

    static Stream<Arguments> networks() {
        return TiedWeightsTest.networks();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void tied_weights_have_their_diagonals_in_passes_and_sessions(String name, Problem problem) {
        for (Setting setting : List.of(Setting.FLOAT64, Setting.FLOAT32)) {
            try (Passes passes = new Passes(setting)) {
                compare(
                        setting,
                        passes,
                        problem,
                        PassOptions.DEFAULT,
                        PassOptions.DEFAULT.chunk(3).block(3),
                        PassOptions.DEFAULT.chunk(1));
                Map<String, double[]> expected = expected(problem);
                try (Sessions sessions = new Sessions(passes, problem, diagonals(passes), SessionOptions.DEFAULT);
                        Session session = sessions.open()) {
                    sessions.add(session, 2, 0, 3);
                    sessions.add(session, 1);
                    Map<String, double[]> merged = Sessions.results(session);
                    for (String key : expected.keySet()) {
                        setting.assertClose(key + " in a session, " + name, merged.get(key), expected.get(key));
                    }
                }
            }
        }
    }

    private static Problem twoUses() {
        return (Problem) TiedWeightsTest.networks().findFirst().orElseThrow().get()[1];
    }

    @Test
    void the_plan_counts_the_products_of_those_parameters_that_need_them() {
        Problem problem = twoUses();
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            passes.withModel(problem, (model, batch) -> {
                List<Request<?>> sums = diagonals(passes).subList(0, 1);
                Plan plan = passes.backpack().plan(model, batch, sums, PassOptions.DEFAULT);
                assertThat(plan.unitProducts()).isEqualTo(Map.of("0.weight", 64L, "0.bias", 8L));
                assertThat(plan)
                        .hasToString(
                                "Plan for 4 samples, 4 at a time, of signals %s; at most %,d bytes; 72 products with unit vectors (0.bias: 8, 0.weight: 64), each a walk forward and back"
                                        .formatted(String.join(", ", plan.signals()), plan.peakBytes()));
                Plan chunks = passes.backpack().plan(model, batch, sums, PassOptions.DEFAULT.chunk(3));
                assertThat(chunks.unitProducts()).isEqualTo(Map.of("0.weight", 128L, "0.bias", 16L));
                Plan samples =
                        passes.backpack().plan(model, batch, diagonals(passes).subList(1, 2), PassOptions.DEFAULT);
                assertThat(samples.unitProducts()).isEqualTo(Map.of("0.weight", 256L, "0.bias", 32L));
                Plan none = passes.backpack()
                        .plan(
                                model,
                                batch,
                                List.of(passes.request(
                                        "DiagHessian", Map.of("products", true, "parameters", List.of("4.*")))),
                                PassOptions.DEFAULT);
                assertThat(none.unitProducts()).isEmpty();
                assertThat(none.toString()).doesNotContain("products");
            });
        }
    }

    @Test
    void a_listener_hears_of_every_step_and_products_end_when_a_pass_is_cancelled() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            passes.withModel(twoUses(), (model, batch) -> {
                Plan plan = passes.backpack().plan(model, batch, diagonals(passes), PassOptions.DEFAULT.chunk(3));
                AtomicLong steps = new AtomicLong();
                AtomicLong elements = new AtomicLong();
                Cancellation cancellation = new Cancellation();
                PassListener listener = new PassListener() {
                    @Override
                    public void forward(String node) {
                        steps.incrementAndGet();
                    }

                    @Override
                    public void backward(String node, String signal) {
                        steps.incrementAndGet();
                    }

                    @Override
                    public void product(String parameter, long fromElement, long toElement) {
                        steps.incrementAndGet();
                        elements.addAndGet(toElement - fromElement);
                    }
                };
                plan.run(batch, RunOptions.seed(0).listener(listener)).close();
                assertThat(steps).hasValue(plan.steps());
                assertThat(elements)
                        .hasValue(plan.unitProducts().values().stream()
                                .mapToLong(Long::longValue)
                                .sum());
                PassListener cancelling = new PassListener() {
                    @Override
                    public void product(String parameter, long fromElement, long toElement) {
                        cancellation.cancel();
                    }
                };
                RunOptions run = RunOptions.seed(0).listener(cancelling).cancellation(cancellation);
                assertThatThrownBy(() -> plan.run(batch, run)).hasMessageContaining("[Cancelled]");
            });
        }
    }

    /** Activations of all samples are most of what a pass over it takes. */
    private static Problem wide() {
        int size = 16;
        ModelDescription model = Networks.model(
                "CrossEntropyLoss",
                "mean",
                Networks.linear("0", size, size),
                Networks.node("1", "Tanh", Map.of()),
                new NodeDescription(
                        "2",
                        "Linear",
                        Map.of("in_features", size, "out_features", size),
                        List.of(),
                        Frozen.NONE,
                        Map.of("weight", "0.weight", "bias", "0.bias")),
                Networks.linear("3", size, 3));
        Problem drawn = Networks.problem(new Random(5), model, 64, new int[] {size}, 3);
        Map<String, Numbers> parameters = new LinkedHashMap<>(drawn.parameters());
        parameters.keySet().removeIf(name -> name.startsWith("2."));
        return new Problem(model, drawn.inputs(), drawn.targets(), parameters);
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT64", "FLOAT32"})
    void a_budget_holds(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            List<Request<?>> requests =
                    List.of(passes.request("DiagHessian", Map.of("products", true, "parameters", List.of("0.*"))));
            passes.withModel(wide(), (model, batch) -> {
                long whole = passes.backpack()
                        .plan(model, batch, requests, PassOptions.DEFAULT.memory(1 << 30))
                        .peakBytes();
                for (long budget : new long[] {whole, whole * 3 / 4, whole / 2}) {
                    Plan plan = passes.backpack().plan(model, batch, requests, PassOptions.DEFAULT.memory(budget));
                    long before = passes.backpack().backend().memory().usedBytes();
                    passes.backpack().backend().resetPeak();
                    plan.run(batch, 0).close();
                    assertThat(passes.backpack().backend().memory().peakBytes() - before)
                            .isEqualTo(plan.peakBytes());
                    assertThat(plan.peakBytes()).isLessThanOrEqualTo(budget);
                }
            });
        }
    }

    @Test
    void without_products_the_refusal_names_them() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            assertThatThrownBy(() -> passes.run(
                            twoUses(), List.of(passes.request("DiagHessian", Map.of())), PassOptions.DEFAULT))
                    .hasMessageContaining(
                            "DiagHessian cannot compute '0.weight', because node '0' (Linear) and node '2' (Linear) use it together. Use DiagHessian(products=true), which is exact through products of the Hessian with unit vectors, or Hutchinson's estimate of the diagonal with a Hessian operator, or name other parameters with parameters=[…].");
        }
    }

    /** A module that does not say what it adds to the Hessian at its input. */
    private record Silent(Module module) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return module.declare(inputs);
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            Evaluation evaluation = module.evaluate(context, inputs, parameters);
            return new Evaluation() {
                @Override
                public Tensor output() {
                    return evaluation.output();
                }

                @Override
                public Pullback pullback(EvaluationContext own, Tensor cotangents) {
                    return evaluation.pullback(own, cotangents);
                }

                @Override
                public Tensor pushforward(EvaluationContext own, Tangents tangents) {
                    return evaluation.pushforward(own, tangents);
                }

                @Override
                public PullbackTangent pullbackTangent(EvaluationContext own, Tensor cotangents, Tangents tangents) {
                    return evaluation.pullbackTangent(own, cotangents, tangents);
                }
            };
        }
    }

    @Test
    void below_a_node_without_a_rule_the_diagonal_is_that_of_products() {
        try (Passes passes = new Passes(Setting.FLOAT64);
                Model plain = model(passes, new Tanh());
                Model silent = model(passes, new Silent(new Tanh()));
                Batch batch = passes.backpack()
                        .batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(3, 2), new double[] {0.3, -1, 2, 0.7, -0.1, 0.4})
                        .targets(Shape.of(3), new long[] {0, 2, 1})
                        .build()) {
            DiagHessian diagonal = new DiagHessian(true);
            BatchDiagHessian samples = new BatchDiagHessian(true);
            List<Request<?>> requests = List.of(Request.of(diagonal), Request.of(samples));
            Plan plan = passes.backpack().plan(silent, batch, requests, PassOptions.DEFAULT);
            // What stands above the silent node needs no products.
            assertThat(plan.unitProducts()).containsOnlyKeys("0.weight", "0.bias");
            try (Results walked = passes.backpack()
                            .plan(plain, batch, requests, PassOptions.DEFAULT)
                            .run(batch);
                    Results multiplied = plan.run(batch)) {
                for (String parameter : plain.parameters().trainable()) {
                    assertThat(multiplied.get(diagonal, parameter).toDoubleArray())
                            .containsExactly(walked.get(diagonal, parameter).toDoubleArray(), within(1e-14));
                    assertThat(multiplied.get(samples, parameter).toDoubleArray())
                            .containsExactly(walked.get(samples, parameter).toDoubleArray(), within(1e-14));
                }
            }
            assertThatThrownBy(() -> passes.backpack()
                            .plan(silent, batch, List.of(Request.of(new DiagHessian())), PassOptions.DEFAULT))
                    .hasMessageContaining("DiagHessian has no rule for node '1' (Silent).")
                    .hasMessageContaining("Use DiagHessian(products=true)");
        }
    }

    private static Model model(Passes passes, Module activation) {
        Graph graph = Graph.sequential(new Linear(2, 4), activation, new Linear(4, 3));
        Model model =
                passes.backpack().model(graph, new CrossEntropyLoss(LossReduction.MEAN), DType.FLOAT64, Shape.of(2));
        model.parameters().initialize(3);
        return model;
    }
}
