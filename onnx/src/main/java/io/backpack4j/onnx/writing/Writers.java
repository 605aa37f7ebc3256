// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.writing;

import io.backpack4j.onnx.writing.NodeWriter.NotWritable;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** How modules are written, by their type. */
final class Writers {

    private static final Map<String, Consumer<NodeWriter>> ALL = new TreeMap<>();

    static {
        for (String type : List.of("Identity", "Dropout", "StochasticDepth")) {
            ALL.put(type, node -> node.only("Identity", Map.of()));
        }
        ALL.put("Linear", Writers::linear);
        ALL.put("Embedding", node -> node.end("Gather", List.of(node.parameter("weight"), node.input()), Map.of()));
        ALL.put("Flatten", Writers::reshape);
        ALL.put("Reshape", Writers::reshape);
        ALL.put(
                "Permute",
                node -> node.only("Transpose", Map.of("perm", node.arguments().integers("dims"))));
        ALL.put(
                "Concat",
                node -> node.end(
                        "Concat", node.inputs(), Map.of("axis", node.arguments().integer("dim"))));
        ALL.put("Mean", node -> reduce(node, "ReduceMean"));
        ALL.put("Max", node -> reduce(node, "ReduceMax"));
        ALL.put("Sum", node -> node.end("Sum", node.inputs(), Map.of()));
        ALL.put("Sub", node -> chain(node, "Sub"));
        ALL.put("Mul", node -> chain(node, "Mul"));
        ALL.put("Div", node -> chain(node, "Div"));
        ALL.put("MatMul", Writers::matMul);
        ALL.put(
                "Scale",
                node -> node.end(
                        "Mul",
                        List.of(node.input(), node.number(node.arguments().number("weight"))),
                        Map.of()));
        ALL.put("Affine", Writers::affine);
        ALL.put("Parameter", Writers::parameter);
        ALL.put("Slice", Writers::slice);
        for (String suffix : List.of("1d", "2d", "3d")) {
            ALL.put("BatchNorm" + suffix, Writers::batchNorm);
            ALL.put(
                    "InstanceNorm" + suffix,
                    node -> instanceNorm(node, node.input(), node.arguments().integer("num_features")));
        }
        ALL.put("LayerNorm", Writers::layerNorm);
        ALL.put("GroupNorm", Writers::groupNorm);
        ActivationWriters.register(ALL);
        ConvolutionWriters.register(ALL);
    }

    private Writers() {}

    static boolean isPossible(String type) {
        return ALL.containsKey(type);
    }

    /** The types that can be written, sorted. */
    static Set<String> possible() {
        return ALL.keySet();
    }

    static void write(NodeWriter node) {
        Objects.requireNonNull(ALL.get(node.type())).accept(node);
    }

    private static void linear(NodeWriter node) {
        String weight = node.parameter("weight");
        if (node.sample().rank() == 1) {
            List<String> operands = new ArrayList<>(List.of(node.input(), weight));
            if (node.has("bias")) {
                operands.add(node.parameter("bias"));
            }
            node.end("Gemm", operands, Map.of("transB", 1L));
            return;
        }
        String transposed = node.step("Transpose", List.of(weight), Map.of("perm", List.of(1L, 0L)));
        if (!node.has("bias")) {
            node.end("MatMul", List.of(node.input(), transposed), Map.of());
            return;
        }
        String product = node.step("MatMul", List.of(node.input(), transposed), Map.of());
        node.end("Add", List.of(product, node.parameter("bias")), Map.of());
    }

    private static void reshape(NodeWriter node) {
        node.end("Reshape", List.of(node.input(), node.integers(batchAnd(node.output()))), Map.of());
    }

    /** Zero keeps the batch. */
    private static List<Long> batchAnd(Shape sample) {
        List<Long> sizes = new ArrayList<>(List.of(0L));
        sizes.addAll(GraphWriter.sizes(sample));
        return sizes;
    }

    private static void reduce(NodeWriter node, String operator) {
        long dim = node.arguments().integer("dim");
        node.only(operator, Map.of("axes", List.of(dim), "keepdims", 0L));
    }

    private static void chain(NodeWriter node, String operator) {
        List<String> inputs = node.inputs();
        String current = inputs.get(0);
        for (int i = 1; i < inputs.size() - 1; i++) {
            current = node.step(operator, List.of(current, inputs.get(i)), Map.of());
        }
        node.end(operator, List.of(current, inputs.get(inputs.size() - 1)), Map.of());
    }

    private static void matMul(NodeWriter node) {
        if (node.samples().get(0).rank() != node.samples().get(1).rank()) {
            throw new NotWritable("multiplies samples with %d and %d axes, but equally many are needed"
                    .formatted(
                            node.samples().get(0).rank(), node.samples().get(1).rank()));
        }
        node.end("MatMul", node.inputs(), Map.of());
    }

    private static void affine(NodeWriter node) {
        double scale = node.arguments().number("scale", 1);
        double shift = node.arguments().number("shift", 0);
        String scaled =
                scale == 1 ? node.input() : node.step("Mul", List.of(node.input(), node.number(scale)), Map.of());
        node.end("Add", List.of(scaled, node.number(shift)), Map.of());
    }

    /** The numbers, stretched to as many samples as the input has. */
    private static void parameter(NodeWriter node) {
        String shape = node.step("Shape", List.of(node.input()), Map.of());
        String batch =
                node.step("Slice", List.of(shape, node.integers(List.of(0L)), node.integers(List.of(1L))), Map.of());
        String sizes = node.integers(GraphWriter.sizes(node.output()));
        String target = node.step("Concat", List.of(batch, sizes), Map.of("axis", 0L));
        node.end("Expand", List.of(node.parameter("weight"), target), Map.of());
    }

    private static void slice(NodeWriter node) {
        List<@Nullable Object> slices = node.arguments().list("slices");
        List<Long> starts = new ArrayList<>();
        List<Long> ends = new ArrayList<>();
        List<Long> axes = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        List<Long> dropped = new ArrayList<>();
        for (int axis = 1; axis < slices.size(); axis++) {
            Object selection = slices.get(axis);
            axes.add((long) axis);
            if (selection instanceof List<?> range) {
                starts.add(range.get(0) instanceof Number start ? start.longValue() : 0L);
                ends.add(range.get(1) instanceof Number end ? end.longValue() : Long.MAX_VALUE);
                steps.add(range.get(2) instanceof Number step ? step.longValue() : 1L);
            } else {
                long index = ((Number) Objects.requireNonNull(selection)).longValue();
                starts.add(index);
                ends.add(index == -1 ? Long.MAX_VALUE : index + 1);
                steps.add(1L);
                dropped.add((long) axis);
            }
        }
        if (axes.isEmpty()) {
            node.only("Identity", Map.of());
            return;
        }
        List<String> operands = List.of(
                node.input(), node.integers(starts), node.integers(ends), node.integers(axes), node.integers(steps));
        if (dropped.isEmpty()) {
            node.end("Slice", operands, Map.of());
        } else {
            String cut = node.step("Slice", operands, Map.of());
            node.end("Squeeze", List.of(cut, node.integers(dropped)), Map.of());
        }
    }

    private static String filled(NodeWriter node, long count, double value) {
        double[] values = LongStream.range(0, count).mapToDouble(i -> value).toArray();
        return node.graph().reals(node.name() + "_filled", List.of(count), values);
    }

    private static String orFilled(NodeWriter node, String parameter, long count, double value) {
        return node.has(parameter) ? node.parameter(parameter) : filled(node, count, value);
    }

    private static void batchNorm(NodeWriter node) {
        if (!node.has("running_mean")) {
            throw new NotWritable("has no running statistics, which ONNX needs");
        }
        long channels = node.arguments().integer("num_features");
        node.end(
                "BatchNormalization",
                List.of(
                        node.input(),
                        orFilled(node, "weight", channels, 1),
                        orFilled(node, "bias", channels, 0),
                        node.parameter("running_mean"),
                        node.parameter("running_var")),
                Map.of("epsilon", node.arguments().number("eps", 1e-5)));
    }

    private static void instanceNorm(NodeWriter node, String input, long channels) {
        node.end(
                "InstanceNormalization",
                List.of(input, orFilled(node, "weight", channels, 1), orFilled(node, "bias", channels, 0)),
                Map.of("epsilon", node.arguments().number("eps", 1e-5)));
    }

    private static void layerNorm(NodeWriter node) {
        List<Long> shape = node.arguments().integers("normalized_shape");
        List<String> operands = new ArrayList<>(List.of(node.input()));
        if (node.has("weight")) {
            operands.add(node.parameter("weight"));
        } else {
            double[] ones = LongStream.range(0, shape.stream().reduce(1L, Math::multiplyExact))
                    .mapToDouble(i -> 1)
                    .toArray();
            operands.add(node.graph().reals(node.name() + "_ones", shape, ones));
        }
        if (node.has("bias")) {
            operands.add(node.parameter("bias"));
        }
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("axis", -(long) shape.size());
        attributes.put("epsilon", node.arguments().number("eps", 1e-5));
        node.end("LayerNormalization", operands, attributes);
    }

    private static void groupNorm(NodeWriter node) {
        long groups = node.arguments().integer("num_groups");
        long channels = node.arguments().integer("num_channels");
        String split = node.step("Reshape", List.of(node.input(), node.integers(List.of(0L, groups, -1L))), Map.of());
        String norm = node.step(
                "InstanceNormalization",
                List.of(split, filled(node, groups, 1), filled(node, groups, 0)),
                Map.of("epsilon", node.arguments().number("eps", 1e-5)));
        String shape = node.integers(batchAnd(node.output()));
        if (!node.has("weight")) {
            node.end("Reshape", List.of(norm, shape), Map.of());
            return;
        }
        String joined = node.step("Reshape", List.of(norm, shape), Map.of());
        List<Long> perChannel = new ArrayList<>(List.of(channels));
        perChannel.addAll(Collections.nCopies(node.output().rank() - 1, 1L));
        String sizes = node.integers(perChannel);
        String weight = node.step("Reshape", List.of(node.parameter("weight"), sizes), Map.of());
        String bias = node.step("Reshape", List.of(node.parameter("bias"), sizes), Map.of());
        String scaled = node.step("Mul", List.of(joined, weight), Map.of());
        node.end("Add", List.of(scaled, bias), Map.of());
    }
}
