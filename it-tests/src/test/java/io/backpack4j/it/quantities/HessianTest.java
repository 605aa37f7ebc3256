// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.testkit.Randomness;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The diagonal of the Hessian against the oracle's second derivatives. {@code -Dbackpack.test.seed=…} draws other
 * networks, {@code -Dbackpack.it.networks=…} more.
 */
class HessianTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = Integer.getInteger("backpack.it.networks", 60);
    private static final double LEAST_MARGIN = 1e-4;
    private static final int STEPS = 6;

    /** A network with a parameter that is used once. */
    private static Problem problem(Random random) {
        while (true) {
            Problem problem = RandomProblem.draw(random);
            if (new FirstOrder(problem).margin() > LEAST_MARGIN
                    && !usedOnce(problem).isEmpty()) {
                return problem;
            }
        }
    }

    private static List<String> usedOnce(Problem problem) {
        Set<String> tied = new HashSet<>();
        problem.model().nodes().forEach(node -> tied.addAll(node.ties().values()));
        return problem.trained().stream().filter(name -> !tied.contains(name)).toList();
    }

    private static List<Request<?>> hessians(Passes passes, List<String> parameters) {
        return List.of(
                passes.request("DiagHessian", Map.of("parameters", parameters)),
                passes.request("BatchDiagHessian", Map.of("parameters", parameters)));
    }

    private static Map<String, double[]> expected(Problem problem, List<String> parameters) {
        Map<String, double[]> expected = new TreeMap<>(new SecondOrder(problem, true).results());
        expected.keySet()
                .removeIf(name ->
                        !name.contains("/diag_h") || !parameters.contains(name.substring(0, name.indexOf('/'))));
        return expected;
    }

    private static void compare(
            Setting setting, Passes passes, Problem problem, List<String> parameters, PassOptions... options) {
        Map<String, double[]> expected = expected(problem, parameters);
        for (PassOptions option : options) {
            Map<String, double[]> actual = passes.run(problem, hessians(passes, parameters), option);
            actual.keySet().removeIf(name -> !name.contains("/diag_h"));
            setting.assertClose("%s, %s".formatted(option, problem.model()), actual, expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_diagonal_is_that_of_the_oracle(Setting setting) {
        System.out.printf("Random networks of -Dbackpack.test.seed=%d in %s%n", SEED, setting);
        try (Passes passes = new Passes(setting)) {
            for (int network = 0; network < NETWORKS; network++) {
                Random random = new Random(SEED * 13_000_027 + network);
                Problem problem = problem(random);
                PassOptions split = PassOptions.DEFAULT
                        .chunk(1L + random.nextInt(problem.samples()))
                        .block(1L + random.nextInt(5));
                compare(setting, passes, problem, usedOnce(problem), PassOptions.DEFAULT, split);
            }
        }
    }

    @Test
    void the_oracle_has_the_second_derivatives_of_finite_differences() {
        for (int network = 0; network < NETWORKS; network += NETWORKS / STEPS) {
            Problem problem = problem(new Random(SEED * 13_000_027 + network));
            Map<String, double[]> results = new SecondOrder(problem, true).results();
            for (String parameter : problem.trained()) {
                double[] at = problem.parameters().get(parameter).values();
                double[] expected = new double[at.length];
                for (int i = 0; i < at.length; i++) {
                    expected[i] =
                            (gradient(problem, parameter, at, i, 1e-6) - gradient(problem, parameter, at, i, -1e-6))
                                    / 2e-6;
                }
                double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
                assertThat(results.get(parameter + "/diag_h"))
                        .as(parameter)
                        .usingComparatorWithPrecision(1e-6 * (1 + largest))
                        .containsExactly(expected);
            }
        }
    }

    private static double gradient(Problem problem, String parameter, double[] at, int element, double step) {
        double[] there = at.clone();
        there[element] += step;
        return new FirstOrder(problem.with(parameter, there)).results().get(parameter + "/grad")[element];
    }

    @ParameterizedTest
    @EnumSource
    void paths_that_meet_again_add_before_they_are_squared(Setting setting) {
        Random random = new Random(5);
        ModelDescription model = Networks.model(
                "CrossEntropyLoss",
                "mean",
                Networks.linear("0", 4, 5),
                Networks.node("1", "Sigmoid", Map.of()),
                Networks.linear("2", 5, 5, "1"),
                Networks.node("3", "Tanh", Map.of()),
                Networks.node("4", "Sum", Map.of(), "1", "3", "0"),
                Networks.node("5", "Mul", Map.of(), "4", "1", "4"),
                Networks.node("6", "Concat", Map.of("dim", 1), "5", "0"),
                Networks.node("7", "ELU", Map.of()),
                Networks.linear("8", 10, 3));
        Problem problem = Networks.problem(random, model, 4, new int[] {4}, 3);
        try (Passes passes = new Passes(setting)) {
            compare(
                    setting,
                    passes,
                    problem,
                    problem.trained(),
                    PassOptions.DEFAULT,
                    PassOptions.DEFAULT.chunk(1).block(1),
                    PassOptions.DEFAULT.chunk(3).block(2),
                    PassOptions.DEFAULT.chunk(4).block(7));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Sigmoid", "Tanh", "ELU", "SELU", "LogSigmoid"})
    void second_derivatives_stay_finite_far_out(String activation) {
        Random random = new Random(9);
        ModelDescription model = Networks.model(
                "MSELoss",
                "sum",
                Networks.linear("0", 1, 4),
                Networks.node("1", activation, Map.of()),
                Networks.linear("2", 4, 2));
        Problem drawn = Networks.problem(random, model, 2, new int[] {1}, 2);
        Problem problem = new Problem(
                        model,
                        Map.of("input", new Numbers(new int[] {2, 1}, new double[] {1, -1})),
                        drawn.targets(),
                        drawn.parameters())
                .with("0.weight", new double[] {100, -100, 88.8, 0.5});
        for (Setting setting : Setting.values()) {
            try (Passes passes = new Passes(setting)) {
                Map<String, double[]> results =
                        passes.run(problem, hessians(passes, problem.trained()), PassOptions.DEFAULT);
                results.forEach((name, values) ->
                        assertThat(Arrays.stream(values)).as(name).allMatch(Double::isFinite));
                if (setting == Setting.FLOAT64) {
                    compare(setting, passes, problem, problem.trained(), PassOptions.DEFAULT);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void piecewise_linear_networks_have_the_diagonal_of_the_ggn(Setting setting) {
        Random random = new Random(2);
        ModelDescription model = Networks.model(
                "CrossEntropyLoss",
                "mean",
                Networks.linear("0", 4, 6),
                Networks.node("1", "ReLU", Map.of()),
                Networks.linear("2", 6, 6),
                Networks.node("3", "LeakyReLU", Map.of("negative_slope", 0.2)),
                Networks.node("4", "Sum", Map.of(), "3", "1"),
                Networks.node("5", "Scale", Map.of("weight", -0.7)),
                Networks.linear("6", 6, 3));
        Problem problem = Networks.problem(random, model, 5, new int[] {4}, 3);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> results = passes.run(
                    problem,
                    List.of(passes.request("DiagHessian", Map.of()), passes.request("DiagGGNExact", Map.of())),
                    PassOptions.DEFAULT);
            for (String parameter : problem.trained()) {
                assertThat(results.get(parameter + "/diag_h"))
                        .containsExactly(results.get(parameter + "/diag_ggn_exact"));
            }
            assertThat(passes.peak(problem, List.of(passes.request("DiagHessian", Map.of())), PassOptions.DEFAULT))
                    .as("nothing is accumulated beside it")
                    .isEqualTo(passes.peak(
                            problem, List.of(passes.request("DiagGGNExact", Map.of())), PassOptions.DEFAULT));
        }
    }

    @Test
    void columns_come_in_blocks_that_fit_the_memory() {
        Random random = new Random(3);
        ModelDescription model = Networks.model(
                "CrossEntropyLoss",
                "mean",
                Networks.linear("0", 6, 40),
                Networks.node("1", "Sigmoid", Map.of()),
                Networks.linear("2", 40, 30),
                Networks.node("3", "Tanh", Map.of()),
                Networks.linear("4", 30, 3));
        Problem problem = Networks.problem(random, model, 8, new int[] {6}, 3);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(passes.request("DiagHessian", Map.of()));
            Map<String, double[]> whole = passes.run(problem, requests, PassOptions.DEFAULT);
            long peak = passes.peak(problem, requests, PassOptions.DEFAULT);
            for (double part : new double[] {0.7, 0.5, 0.35}) {
                PassOptions options = PassOptions.DEFAULT.memory((long) (part * peak));
                Setting.FLOAT64.assertClose(options.toString(), passes.run(problem, requests, options), whole);
                assertThat(passes.peak(problem, requests, options)).isLessThanOrEqualTo((long) (part * peak));
            }
        }
    }

    @Test
    void a_parameter_that_is_used_twice_is_refused() {
        NodeDescription second = Networks.linear("2", 4, 4);
        ModelDescription model = Networks.model(
                "MSELoss",
                "mean",
                Networks.linear("0", 4, 4),
                Networks.node("1", "Tanh", Map.of()),
                new NodeDescription(
                        second.name(),
                        second.type(),
                        second.arguments(),
                        List.of(),
                        second.frozen(),
                        Map.of("weight", "0.weight", "bias", "0.bias")));
        Problem drawn = Networks.problem(new Random(1), model, 3, new int[] {4}, 4);
        Map<String, Numbers> parameters = new TreeMap<>(drawn.parameters());
        parameters.keySet().removeIf(name -> name.startsWith("2."));
        Problem problem = new Problem(model, drawn.inputs(), drawn.targets(), parameters);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            assertThatThrownBy(() -> passes.run(problem, hessians(passes, List.of("*")), PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[TiedParameter] DiagHessian cannot compute '0.weight', because node '0'"
                            + " (Linear) and node '2' (Linear) use it together. Use DiagHessian(products=true)")
                    .hasMessageContaining("BatchDiagHessian cannot compute '0.bias'");
        }
    }
}
