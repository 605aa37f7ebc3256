// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Losses with positions: curvature where these travel together, where they mix, and where both is the case, against the
 * oracle.
 */
class PositionsTest {

    private static final int N = 3;
    private static final int CLASSES = 3;

    private static NodeDescription permute(String name, Integer... dims) {
        return Networks.node(name, "Permute", Map.of("dims", List.of(dims)));
    }

    private static NodeDescription tanh(String name, String... inputs) {
        return Networks.node(name, "Tanh", Map.of(), inputs);
    }

    private static NodeDescription tied(String name, int in, int out, String owner) {
        Map<String, Object> arguments = Map.of("in_features", in, "out_features", out);
        Map<String, String> ties = Map.of("weight", owner + ".weight", "bias", owner + ".bias");
        NodeDescription linear = Networks.linear(name, in, out);
        return new NodeDescription(name, "Linear", arguments, List.of(), linear.frozen(), ties);
    }

    private static Arguments network(String name, int[] input, int[] output, String loss, NodeDescription... nodes) {
        Random random = new Random(name.hashCode());
        ModelDescription model = Networks.model(loss, "mean", nodes);
        Map<String, Numbers> parameters = new LinkedHashMap<>(Networks.parameters(random, model));
        for (NodeDescription node : nodes) {
            node.ties().keySet().forEach(own -> parameters.remove(node.name() + "." + own));
        }
        boolean classes = loss.equals("CrossEntropyLoss");
        int[] shape = IntStream.concat(IntStream.of(N), Arrays.stream(output, classes ? 1 : 0, output.length))
                .toArray();
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        double[] targets = IntStream.range(0, count)
                .mapToDouble(i -> classes ? random.nextInt(output[0]) : random.nextGaussian())
                .toArray();
        int[] batch = IntStream.concat(IntStream.of(N), Arrays.stream(input)).toArray();
        return Arguments.of(
                name,
                new Problem(
                        model,
                        Map.of("input", Networks.normal(random, batch)),
                        new Numbers(shape, targets),
                        parameters));
    }

    private static Arguments network(String name, int[] input, int[] positions, NodeDescription... nodes) {
        int[] output = IntStream.concat(IntStream.of(CLASSES), Arrays.stream(positions))
                .toArray();
        return network(name, input, output, "CrossEntropyLoss", nodes);
    }

    private static int[] sizes(int... sizes) {
        return sizes;
    }

    static Stream<Arguments> networks() {
        return Stream.of(
                network(
                        "chain",
                        sizes(4, 4),
                        sizes(4),
                        Networks.linear("0", 4, 5),
                        Networks.node("1", "ReLU", Map.of()),
                        Networks.linear("2", 5, 4),
                        Networks.node("3", "Sigmoid", Map.of()),
                        Networks.linear("4", 4, CLASSES),
                        permute("5", 0, 2, 1)),
                network(
                        "two axes",
                        sizes(2, 3, 4),
                        sizes(2, 3),
                        Networks.linear("0", 4, 3),
                        tanh("1"),
                        Networks.linear("2", 3, CLASSES),
                        permute("3", 0, 3, 1, 2)),
                network(
                        "two axes, exchanged",
                        sizes(2, 2, 4),
                        sizes(2, 2),
                        Networks.linear("0", 4, 3),
                        permute("1", 0, 2, 1, 3),
                        tanh("2"),
                        Networks.linear("3", 3, CLASSES),
                        permute("4", 0, 3, 2, 1)),
                network(
                        "branches",
                        sizes(3, 4),
                        sizes(3),
                        Networks.linear("0", 4, 4),
                        tanh("1"),
                        Networks.linear("2", 4, 4, "1"),
                        Networks.node("3", "Scale", Map.of("weight", -0.7), "0"),
                        Networks.node("4", "Identity", Map.of(), "2"),
                        Networks.node("5", "Sum", Map.of(), "3", "4", "input"),
                        Networks.node("6", "Dropout", Map.of("p", 0.5, "mode", "eval")),
                        Networks.linear("7", 4, CLASSES),
                        permute("8", 0, 2, 1)),
                network(
                        "branches whose positions are others",
                        sizes(2, 2, 4),
                        sizes(2, 2),
                        Networks.linear("0", 4, 3),
                        Networks.node("1", "Permute", Map.of("dims", List.of(0, 2, 1, 3)), "0"),
                        Networks.node("2", "Sum", Map.of(), "0", "1"),
                        tanh("3"),
                        Networks.linear("4", 3, CLASSES),
                        permute("5", 0, 3, 1, 2)),
                network(
                        "mixed by a linear map",
                        sizes(3, 4),
                        sizes(3),
                        Networks.linear("0", 4, 2),
                        tanh("1"),
                        permute("2", 0, 2, 1),
                        Networks.linear("3", 3, 3),
                        permute("4", 0, 2, 1),
                        tanh("5"),
                        Networks.linear("6", 2, CLASSES),
                        permute("7", 0, 2, 1)),
                network(
                        "mixed on one of two ways",
                        sizes(3, 3),
                        sizes(3),
                        Networks.linear("0", 3, 3),
                        Networks.node("1", "Permute", Map.of("dims", List.of(0, 2, 1)), "0"),
                        Networks.linear("2", 3, 3, "1"),
                        Networks.linear("3", 3, 3, "0"),
                        Networks.node("4", "Sum", Map.of(), "2", "3"),
                        tanh("5"),
                        Networks.linear("6", 3, CLASSES),
                        permute("7", 0, 2, 1)),
                network(
                        "joined along positions",
                        sizes(2, 4),
                        sizes(4),
                        Networks.linear("0", 4, 3, "input"),
                        Networks.linear("1", 4, 3, "input"),
                        Networks.node("2", "Concat", Map.of("dim", 1), "0", "1"),
                        tanh("3"),
                        Networks.linear("4", 3, CLASSES),
                        permute("5", 0, 2, 1)),
                network(
                        "tied",
                        sizes(3, 4),
                        sizes(3),
                        Networks.linear("0", 4, 4),
                        tanh("1"),
                        Networks.linear("2", 4, 4),
                        tanh("3"),
                        tied("4", 4, 4, "2"),
                        tanh("5"),
                        Networks.linear("6", 4, CLASSES),
                        permute("7", 0, 2, 1)),
                network(
                        "squared error",
                        sizes(3, 4),
                        sizes(3, 2),
                        "MSELoss",
                        Networks.linear("0", 4, 3),
                        tanh("1"),
                        Networks.linear("2", 3, 2)));
    }

    private static List<String> usedOnce(Problem problem) {
        Set<String> tied = new HashSet<>();
        problem.model().nodes().forEach(node -> tied.addAll(node.ties().values()));
        return problem.trained().stream().filter(name -> !tied.contains(name)).toList();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void diagonals_are_those_of_the_oracle(String name, Problem problem) {
        List<String> once = usedOnce(problem);
        Map<String, double[]> expected = new TreeMap<>(new SecondOrder(problem, true).results());
        expected.keySet().removeIf(key -> {
            String parameter = key.substring(0, key.indexOf('/'));
            boolean wanted = key.endsWith("/diag_ggn_exact") || (key.endsWith("/diag_h") && once.contains(parameter));
            return !wanted;
        });
        for (Setting setting : Setting.values()) {
            try (Passes passes = new Passes(setting)) {
                List<Request<?>> requests = new ArrayList<>();
                requests.add(passes.request("DiagGGNExact", Map.of()));
                requests.add(passes.request("DiagHessian", Map.of("parameters", once)));
                for (PassOptions options : List.of(
                        PassOptions.DEFAULT,
                        PassOptions.DEFAULT.block(2),
                        PassOptions.DEFAULT.chunk(1).block(1),
                        PassOptions.DEFAULT.chunk(2).block(4))) {
                    Map<String, double[]> actual = passes.run(problem, requests, options);
                    actual.keySet().retainAll(expected.keySet());
                    setting.assertClose(name + ", " + options, actual, expected);
                }
                requests.add(passes.request("BatchDiagGGNExact", Map.of()));
                requests.add(passes.request("KFLR", Map.of("parameters", once)));
                Map<String, double[]> actual = passes.run(problem, requests, PassOptions.DEFAULT);
                actual.keySet().retainAll(expected.keySet());
                setting.assertClose(name + " with others", actual, expected);
            }
        }
    }
}
