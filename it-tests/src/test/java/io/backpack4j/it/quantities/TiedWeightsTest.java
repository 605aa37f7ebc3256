// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Weights that several nodes share, large enough for their closed forms, against the oracle. */
class TiedWeightsTest {

    private static final int N = 4;
    private static final int CLASSES = 4;

    private static NodeDescription tied(NodeDescription node, String owner, String... names) {
        Map<String, String> ties = new LinkedHashMap<>();
        for (String name : names) {
            ties.put(name, owner + "." + name);
        }
        return new NodeDescription(node.name(), node.type(), node.arguments(), node.inputs(), node.frozen(), ties);
    }

    private static NodeDescription tanh(String name, String... inputs) {
        return Networks.node(name, "Tanh", Map.of(), inputs);
    }

    private static NodeDescription flatten(String name, String... inputs) {
        return Networks.node(name, "Flatten", Map.of(), inputs);
    }

    private static NodeDescription convolution(String name) {
        Map<String, Object> arguments =
                Map.of("in_channels", 2, "out_channels", 2, "kernel_size", 3, "padding", 1, "bias", false);
        return Networks.node(name, "Conv1d", arguments);
    }

    private static Arguments network(String name, int[] input, NodeDescription... nodes) {
        Random random = new Random(name.hashCode());
        ModelDescription model = Networks.model("CrossEntropyLoss", "mean", nodes);
        Problem drawn = Networks.problem(random, model, N, input, CLASSES);
        Map<String, Numbers> parameters = new LinkedHashMap<>();
        drawn.parameters().forEach((key, numbers) -> parameters.put(key, halved(numbers)));
        for (NodeDescription node : nodes) {
            if (node.type().equals("Conv1d")) {
                parameters.put(node.name() + ".weight", halved(Networks.normal(random, 2, 2, 3)));
            }
            node.ties().keySet().forEach(own -> parameters.remove(node.name() + "." + own));
        }
        return Arguments.of(name, new Problem(model, drawn.inputs(), drawn.targets(), parameters));
    }

    private static Numbers halved(Numbers numbers) {
        double[] values = numbers.values().clone();
        for (int i = 0; i < values.length; i++) {
            values[i] /= 2;
        }
        return new Numbers(numbers.shape(), values);
    }

    static Stream<Arguments> networks() {
        return Stream.of(
                network(
                        "two uses",
                        new int[] {8},
                        Networks.linear("0", 8, 8),
                        tanh("1"),
                        tied(Networks.linear("2", 8, 8), "0", "weight", "bias"),
                        tanh("3"),
                        Networks.linear("4", 8, CLASSES)),
                network(
                        "three uses of a weight",
                        new int[] {8},
                        Networks.linear("0", 8, 8),
                        tanh("1"),
                        tied(Networks.linear("2", 8, 8), "0", "weight"),
                        tanh("3"),
                        tied(Networks.linear("4", 8, 8), "0", "weight"),
                        Networks.linear("5", 8, CLASSES)),
                network(
                        "positions",
                        new int[] {2, 11},
                        Networks.linear("0", 11, 11),
                        tanh("1"),
                        tied(Networks.linear("2", 11, 11), "0", "weight", "bias"),
                        flatten("3"),
                        Networks.linear("4", 22, CLASSES)),
                network(
                        "one use with positions, one without",
                        new int[] {2, 12},
                        Networks.linear("0", 12, 12),
                        tanh("1"),
                        flatten("2"),
                        Networks.linear("3", 24, 12),
                        tied(Networks.linear("4", 12, 12), "0", "weight"),
                        Networks.linear("5", 12, CLASSES)),
                network(
                        "a difference of branches",
                        new int[] {8},
                        Networks.linear("0", 8, 7, "input"),
                        Networks.node("1", "Scale", Map.of("weight", 0.7), "input"),
                        tied(Networks.linear("2", 8, 7, "1"), "0", "weight"),
                        Networks.node("3", "Scale", Map.of("weight", -1.2), "2"),
                        Networks.node("4", "Sum", Map.of(), "0", "3"),
                        tanh("5"),
                        Networks.linear("6", 7, CLASSES)),
                network(
                        "a filter",
                        new int[] {2, 6},
                        convolution("0"),
                        tanh("1"),
                        tied(convolution("2"), "0", "weight"),
                        flatten("3"),
                        Networks.linear("4", 12, CLASSES)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void quantities_are_those_of_the_oracle(String name, Problem problem) {
        Map<String, double[]> expected = new TreeMap<>(new FirstOrder(problem).results());
        expected.putAll(new SecondOrder(problem, false).results());
        for (Setting setting : Setting.values()) {
            try (Passes passes = new Passes(setting)) {
                List<Request<?>> requests = new ArrayList<>(passes.firstOrder());
                for (String type : List.of("DiagGGNExact", "BatchDiagGGNExact", "SqrtGGNExact")) {
                    requests.add(passes.request(type, Map.of()));
                }
                for (PassOptions options : List.of(
                        PassOptions.DEFAULT,
                        PassOptions.DEFAULT.chunk(3),
                        PassOptions.DEFAULT.chunk(1).block(3))) {
                    setting.assertClose(name + ", " + options, passes.run(problem, requests, options), expected);
                }
                for (Request<?> request : requests) {
                    Map<String, double[]> alone = passes.run(problem, List.of(request), PassOptions.DEFAULT);
                    alone.forEach(
                            (key, values) -> setting.assertClose(key + " alone, " + name, values, expected.get(key)));
                }
            }
        }
    }

    /**
     * Two siblings that read the same input, one with the opposite sign: no sample has a gradient. Squares are no more
     * than the square of a rounding error; multiplied out they would be a rounding error.
     */
    @Test
    void what_cancels_altogether_is_as_good_as_zero() {
        Problem problem = (Problem) network(
                        "nothing",
                        new int[] {16},
                        Networks.linear("0", 16, 16, "input"),
                        tied(Networks.linear("1", 16, 16, "input"), "0", "weight"),
                        Networks.node("2", "Scale", Map.of("weight", -1), "1"),
                        Networks.node("3", "Sum", Map.of(), "0", "2"),
                        tanh("4"),
                        Networks.linear("5", 16, CLASSES))
                .get()[1];
        for (Setting setting : Setting.values()) {
            try (Passes passes = new Passes(setting)) {
                List<Request<?>> requests = List.of(
                        passes.request("DiagGGNExact", Map.of()),
                        passes.request("BatchDiagGGNExact", Map.of()),
                        passes.request("SumGradSquared", Map.of()));
                Map<String, double[]> results = passes.run(problem, requests, PassOptions.DEFAULT);
                // Products add in an order of their own: rounding of one unit is left, whose square is some 1e-32.
                double most = setting == Setting.FLOAT64 ? 1e-30 : 1e-12;
                for (String key : List.of("diag_ggn_exact", "diag_ggn_exact_batch", "sum_grad_squared")) {
                    for (double value : results.get("0.weight/" + key)) {
                        assertThat(value).as("%s in %s", key, setting).isBetween(0.0, most);
                    }
                }
            }
        }
    }

    @Test
    void a_budget_holds_and_changes_nothing() {
        int size = 48;
        Random random = new Random(5);
        ModelDescription model = Networks.model(
                "CrossEntropyLoss",
                "mean",
                Networks.linear("0", size, size),
                tanh("1"),
                tied(Networks.linear("2", size, size), "0", "weight", "bias"),
                Networks.linear("3", size, CLASSES));
        Problem drawn = Networks.problem(random, model, 16, new int[] {size}, CLASSES);
        Map<String, Numbers> parameters = new LinkedHashMap<>(drawn.parameters());
        parameters.keySet().removeIf(name -> name.startsWith("2."));
        Problem problem = new Problem(model, drawn.inputs(), drawn.targets(), parameters);
        for (Setting setting : Setting.values()) {
            try (Passes passes = new Passes(setting)) {
                List<Request<?>> requests = Stream.of("DiagGGNExact", "BatchL2Grad", "SumGradSquared", "DiagHessian")
                        .<Request<?>>map(type -> passes.request(
                                type,
                                type.equals("DiagHessian") ? Map.of("parameters", List.of("3.weight")) : Map.of()))
                        .toList();
                Map<String, double[]> expected = passes.run(problem, requests, PassOptions.DEFAULT);
                passes.withModel(problem, (built, batch) -> {
                    long whole = passes.backpack()
                            .plan(built, batch, requests, PassOptions.DEFAULT)
                            .peakBytes();
                    IntStream.of(2, 3).forEach(part -> {
                        PassOptions options = PassOptions.DEFAULT.memory(whole * part / 4);
                        Plan plan = passes.backpack().plan(built, batch, requests, options);
                        long before = passes.backpack().backend().memory().usedBytes();
                        passes.backpack().backend().resetPeak();
                        plan.run(batch, 0).close();
                        assertThat(passes.backpack().backend().memory().peakBytes() - before)
                                .isEqualTo(plan.peakBytes())
                                .isLessThanOrEqualTo(whole * part / 4);
                    });
                });
                PassOptions split = PassOptions.DEFAULT.chunk(5).block(2);
                setting.assertClose("split", passes.run(problem, requests, split), expected);
            }
        }
    }
}
