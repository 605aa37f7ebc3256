// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/** Networks written down by hand, with drawn numbers. */
final class Networks {

    private Networks() {}

    static NodeDescription node(String name, String type, Map<String, Object> arguments, String... inputs) {
        return new NodeDescription(name, type, arguments, List.of(inputs));
    }

    static NodeDescription linear(String name, int in, int out, String... inputs) {
        return node(name, "Linear", Map.of("in_features", in, "out_features", out), inputs);
    }

    static ModelDescription model(String loss, String reduction, NodeDescription... nodes) {
        LossDescription described = new LossDescription(loss, Map.of("reduction", reduction));
        return new ModelDescription(List.of(nodes), List.of(), Optional.empty(), described);
    }

    static Numbers normal(Random random, int... shape) {
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Numbers(
                shape,
                IntStream.range(0, count)
                        .mapToDouble(i -> random.nextGaussian())
                        .toArray());
    }

    /** The parameters of Linear nodes that have a bias, by their shapes. */
    static Map<String, Numbers> parameters(Random random, ModelDescription model) {
        Map<String, Numbers> parameters = new LinkedHashMap<>();
        for (NodeDescription node : model.nodes()) {
            if (node.type().equals("Linear")) {
                int in = (int) node.arguments().get("in_features");
                int out = (int) node.arguments().get("out_features");
                parameters.put(node.name() + ".weight", normal(random, out, in));
                parameters.put(node.name() + ".bias", normal(random, out));
            }
        }
        return parameters;
    }

    /** A problem with outputs of shape {@code [out]}. */
    static Problem problem(Random random, ModelDescription model, int samples, int[] input, int out) {
        int[] shape =
                IntStream.concat(IntStream.of(samples), Arrays.stream(input)).toArray();
        Numbers targets = model.loss().type().equals("CrossEntropyLoss")
                ? new Numbers(
                        new int[] {samples},
                        IntStream.range(0, samples)
                                .mapToDouble(i -> random.nextInt(out))
                                .toArray())
                : new Numbers(
                        new int[] {samples, out},
                        random.doubles((long) samples * out).toArray());
        return new Problem(model, Map.of("input", normal(random, shape)), targets, parameters(random, model));
    }

    /**
     * A residual network on samples of shape {@code [3, 4]} with outputs of shape {@code [3]}: shared positions, then
     * vectors.
     */
    static Problem residual(String loss, String reduction, int samples) {
        Random random = new Random(samples);
        ModelDescription model = model(
                loss,
                reduction,
                linear("0", 4, 4),
                node("1", "Tanh", Map.of()),
                node("2", "Sum", Map.of(), "1", "input"),
                node("3", "Flatten", Map.of()),
                linear("4", 12, 5),
                node("5", "Sigmoid", Map.of()),
                linear("6", 5, 3));
        return problem(random, model, samples, new int[] {3, 4}, 3);
    }

    /**
     * The same with any loss. Two of its targets are class 1, where they are classes, and one is ignored by PyTorch's
     * default.
     */
    static Problem residual(LossDescription loss, int samples) {
        boolean classes = List.of("CrossEntropyLoss", "NLLLoss").contains(loss.type());
        Problem problem = residual(classes ? "CrossEntropyLoss" : "MSELoss", "mean", samples);
        ModelDescription old = problem.model();
        ModelDescription model = new ModelDescription(old.nodes(), old.inputs(), old.output(), loss);
        Numbers targets = problem.targets();
        if (classes) {
            double[] labels = targets.values().clone();
            labels[0] = 1;
            labels[samples - 2] = 1;
            labels[samples - 1] = -100;
            labels[1] = 2;
            targets = new Numbers(targets.shape(), labels);
        }
        return new Problem(model, problem.inputs(), targets, problem.parameters());
    }

    /** The same with probabilities of classes as targets. */
    static Problem withProbabilities(Problem problem, int classes) {
        int samples = problem.samples();
        double[] targets = new Random(samples).doubles((long) samples * classes).toArray();
        return new Problem(
                problem.model(),
                problem.inputs(),
                new Numbers(new int[] {samples, classes}, targets),
                problem.parameters());
    }
}
