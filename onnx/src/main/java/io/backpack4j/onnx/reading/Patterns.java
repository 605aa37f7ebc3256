// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.OnnxFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Finds modules that exporters write as several nodes of simpler operators. */
final class Patterns {

    private static final double TOLERANCE = 1e-5;

    private Patterns() {}

    /** A number that is known, and is one number. */
    private static Optional<Double> scalar(Call call, String name) {
        return call.model()
                .known(name)
                .filter(value -> value instanceof Constant constant && constant.isScalar())
                .map(value -> ((Constant) value).scalar());
    }

    private static Optional<OnnxFile.Node> next(Call call, String name, String operator) {
        return call.model().onlyConsumer(name).filter(node -> node.operator().equals(operator));
    }

    private static String output(OnnxFile.Node node) {
        return node.outputs().get(0);
    }

    /** The other input of an operator with two. */
    private static String other(OnnxFile.Node node, String name) {
        return node.inputs().get(node.inputs().get(0).equals(name) ? 1 : 0);
    }

    private static boolean isNear(Optional<Double> value, double expected) {
        return value.isPresent() && Math.abs(value.get() - expected) < TOLERANCE;
    }

    /**
     * GELU from its error function on: 0.5 x (1 + erf(x / √2)), the factors in any order. Becomes a node, and all that
     * belongs to it is absorbed.
     */
    static boolean gelu(Call call) {
        OnnxFile.Node erf = call.node();
        Optional<String> x = argument(call, erf.inputs().get(0));
        Optional<OnnxFile.Node> sum =
                next(call, output(erf), "Add").filter(node -> isNear(scalar(call, other(node, output(erf))), 1));
        if (x.isEmpty() || sum.isEmpty() || !(call.model().value(x.get()) instanceof Activation input)) {
            return false;
        }
        List<OnnxFile.Node> parts = new ArrayList<>(List.of(sum.get()));
        double factor = 1;
        boolean hasX = false;
        OnnxFile.Node last = sum.get();
        while (!hasX || Math.abs(factor - 0.5) > TOLERANCE) {
            String before = output(last);
            Optional<OnnxFile.Node> product = next(call, before, "Mul");
            if (product.isEmpty()) {
                return false;
            }
            last = product.get();
            parts.add(last);
            String with = other(last, before);
            Optional<Double> number = scalar(call, with);
            Optional<Double> scaled = scaled(call, with, x.get());
            if (number.isPresent()) {
                factor *= number.get();
            } else if (!hasX && scaled.isPresent()) {
                factor *= scaled.get();
                hasX = true;
            } else {
                return false;
            }
        }
        parts.forEach(call.model()::absorb);
        call.model().define(output(last), call.elementwise(input, call.name(), "GELU", Map.of("approximate", "none")));
        return true;
    }

    /** What x / √2 is made of. */
    private static Optional<String> argument(Call call, String name) {
        Optional<OnnxFile.Node> node = call.model().producer(name);
        if (node.isEmpty() || node.get().inputs().size() != 2) {
            return Optional.empty();
        }
        String first = node.get().inputs().get(0);
        boolean divides = node.get().operator().equals("Div")
                && isNear(scalar(call, node.get().inputs().get(1)), Math.sqrt(2));
        if (divides) {
            return Optional.of(first);
        }
        if (!node.get().operator().equals("Mul")) {
            return Optional.empty();
        }
        for (String x : node.get().inputs()) {
            if (isNear(scalar(call, other(node.get(), x)), Math.sqrt(0.5))) {
                return Optional.of(x);
            }
        }
        return Optional.empty();
    }

    /** By how much a value is x, if it is x or x times a number. */
    private static Optional<Double> scaled(Call call, String name, String x) {
        if (name.equals(x)) {
            return Optional.of(1.0);
        }
        return call.model()
                .producer(name)
                .filter(node -> node.operator().equals("Mul") && node.inputs().contains(x))
                .flatMap(node -> scalar(call, other(node, x)));
    }

    /** Softsign from the absolute value on: x / (1 + |x|). Becomes a node. */
    static boolean softsign(Call call) {
        Optional<OnnxFile.Node> sum = next(call, output(call.node()), "Add")
                .filter(node -> isNear(scalar(call, other(node, output(call.node()))), 1));
        Optional<OnnxFile.Node> quotient = sum.flatMap(node -> next(call, output(node), "Div"))
                .filter(node ->
                        node.inputs().equals(List.of(call.node().inputs().get(0), output(sum.orElseThrow()))));
        if (quotient.isEmpty()) {
            return false;
        }
        call.model().absorb(sum.get());
        call.model().absorb(quotient.get());
        call.model()
                .define(
                        output(quotient.get()),
                        call.elementwise(call.activation(0), call.name(), "Softsign", Map.of()));
        return true;
    }

    /**
     * A layer norm from the mean of its input on: d = x − mean(x), d / √(mean(d²) + eps), maybe times a weight and plus
     * a bias. Becomes a node, and all that belongs to it is absorbed.
     */
    static boolean layerNorm(Call call) {
        OnnxFile.Node mean = call.node();
        if (!(call.input(0) instanceof Activation x) || mean.inputs().isEmpty()) {
            return false;
        }
        Optional<List<Integer>> axes = lastAxes(call, x);
        String input = mean.inputs().get(0);
        Optional<OnnxFile.Node> difference = next(call, output(mean), "Sub")
                .filter(node -> node.inputs().get(0).equals(input));
        if (axes.isEmpty() || difference.isEmpty()) {
            return false;
        }
        List<OnnxFile.Node> parts = new ArrayList<>(List.of(difference.get()));
        String d = output(difference.get());
        Optional<OnnxFile.Node> square = call.model().consumers(d).stream()
                .filter(node -> isSquare(call, node, d))
                .findFirst();
        Optional<OnnxFile.Node> variance = square.flatMap(node -> call.model().onlyConsumer(output(node)))
                .filter(node -> node.operator().equals(mean.operator()));
        Optional<OnnxFile.Node> shifted = variance.flatMap(node -> next(call, output(node), "Add"));
        Optional<OnnxFile.Node> root = shifted.flatMap(node -> next(call, output(node), "Sqrt"));
        Optional<OnnxFile.Node> quotient = root.flatMap(node -> next(call, output(node), "Div"))
                .filter(node -> node.inputs().get(0).equals(d));
        if (quotient.isEmpty()
                || call.model().consumers(d).stream()
                        .anyMatch(node -> !node.equals(square.get()) && !node.equals(quotient.get()))) {
            return false;
        }
        Optional<Double> epsilon = scalar(call, other(shifted.orElseThrow(), output(variance.orElseThrow())));
        if (epsilon.isEmpty()) {
            return false;
        }
        parts.addAll(List.of(square.get(), variance.get(), shifted.get(), root.get(), quotient.get()));
        long size = axes.get().stream().map(x::size).reduce(1L, Math::multiplyExact);
        OnnxFile.Node last = quotient.get();
        Optional<OnnxFile.Node> product = next(call, output(last), "Mul");
        Optional<Constant> weight = product.flatMap(node -> constant(call, node, output(quotient.get()), size));
        Optional<Constant> bias = Optional.empty();
        if (weight.isPresent()) {
            last = product.get();
            parts.add(last);
        }
        String before = output(last);
        Optional<OnnxFile.Node> sum = next(call, before, "Add");
        if (weight.isPresent() && sum.isPresent()) {
            bias = constant(call, sum.get(), before, size);
        }
        if (bias.isPresent()) {
            last = sum.get();
            parts.add(last);
        }
        parts.forEach(call.model()::absorb);
        List<Optional<String>> names = List.of(
                weight.flatMap(Constant::origin).map(Constant.Origin::name),
                bias.flatMap(Constant::origin).map(Constant.Origin::name));
        int axis = axes.get().get(0);
        String name = Names.ofModule(quotient.get(), names);
        call.model()
                .define(output(last), Norms.layerNorm(call, x, axis, Call.decimal(epsilon.get()), weight, bias, name));
        return true;
    }

    /** The axes of the mean, if they are the last ones and stay as ones. */
    private static Optional<List<Integer>> lastAxes(Call call, Activation x) {
        if (call.node().operator().equals("GlobalAveragePool")) {
            return x.rank() > 2
                    ? Optional.of(IntStream.range(2, x.rank()).boxed().toList())
                    : Optional.empty();
        }
        if (call.integer("keepdims", 1) == 0 || call.axes(1).isEmpty()) {
            return Optional.empty();
        }
        List<Integer> axes = call.axes(1).get().stream().map(x::axis).sorted().toList();
        boolean last = !axes.isEmpty()
                && axes.get(axes.size() - 1) == x.rank() - 1
                && axes.get(axes.size() - 1) - axes.get(0) == axes.size() - 1
                && axes.stream().noneMatch(x::holdsBatch);
        return last ? Optional.of(axes) : Optional.empty();
    }

    private static boolean isSquare(Call call, OnnxFile.Node node, String d) {
        if (node.operator().equals("Mul")) {
            return node.inputs().equals(List.of(d, d));
        }
        return node.operator().equals("Pow")
                && isNear(scalar(call, node.inputs().get(1)), 2);
    }

    /** A constant with as many elements that a node combines with a value. */
    private static Optional<Constant> constant(Call call, OnnxFile.Node node, String value, long elements) {
        return call.model()
                .known(other(node, value))
                .filter(found -> found instanceof Constant constant
                        && constant.elements() == elements
                        && constant.batchAxis() < 0)
                .map(Constant.class::cast);
    }

    /**
     * A group norm from the instance norm of its groups on: samples were reshaped to {@code [groups, -1]}, and are
     * reshaped back, multiplied with weights {@code [C, 1, …]} and shifted. Becomes a node, and all that belongs to it
     * is absorbed.
     */
    static boolean groupNorm(Call call) {
        OnnxFile.Node norm = call.node();
        Optional<OnnxFile.Node> split = call.model()
                .producer(norm.inputs().get(0))
                .filter(node -> node.operator().equals("Reshape"));
        Optional<OnnxFile.Node> joined = next(call, output(norm), "Reshape");
        boolean plain = Norms.isFilled(call.constant(1), 1) && Norms.isFilled(call.constant(2), 0);
        if (split.isEmpty() || joined.isEmpty() || !plain || call.activation(0).rank() != 3) {
            return false;
        }
        Value before = call.model().value(split.get().inputs().get(0));
        long groups = call.activation(0).size(1);
        if (!(before instanceof Activation x)
                || x.rank() < 3
                || x.size(1) % groups != 0
                || !x.isBatchFirst()
                || !isShapeOf(call, joined.get().inputs().get(1), x)) {
            return false;
        }
        List<OnnxFile.Node> parts = new ArrayList<>(List.of(joined.get()));
        Optional<OnnxFile.Node> product = next(call, output(joined.get()), "Mul");
        Optional<Constant> weight = product.flatMap(node -> perChannel(call, node, output(joined.get()), x));
        Optional<OnnxFile.Node> sum = product.flatMap(node -> next(call, output(node), "Add"));
        Optional<Constant> bias = sum.flatMap(node -> perChannel(call, node, output(product.orElseThrow()), x));
        boolean affine = weight.isPresent() && bias.isPresent();
        if (affine) {
            parts.addAll(List.of(product.get(), sum.get()));
        }
        parts.forEach(call.model()::absorb);
        String name = Names.ofNode(norm);
        int dot = name.lastIndexOf('.');
        Activation result = Norms.groupNorm(
                call,
                x,
                groups,
                call.number("epsilon", 1e-5),
                affine ? weight : Optional.empty(),
                affine ? bias : Optional.empty(),
                dot > 0 ? name.substring(0, dot) : name);
        call.model().define(output(parts.get(parts.size() - 1)), result);
        return true;
    }

    private static Optional<Constant> perChannel(Call call, OnnxFile.Node node, String value, Activation x) {
        return constant(call, node, value, x.size(1))
                .filter(constant ->
                        constant.rank() == x.rank() - 1 && constant.sizes().get(0) == x.size(1));
    }

    /** Whether a shape is that of an activation, from a Shape of it or from numbers. */
    private static boolean isShapeOf(Call call, String shape, Activation x) {
        Optional<OnnxFile.Node> node = call.model().producer(shape);
        if (node.isPresent() && node.get().operator().equals("Shape")) {
            return call.model().value(node.get().inputs().get(0)).equals(x);
        }
        if (!(call.model().known(shape).orElse(null) instanceof Constant constant)
                || constant.values().length != x.rank()) {
            return false;
        }
        for (int axis = 1; axis < x.rank(); axis++) {
            if (constant.values()[axis] != x.size(axis)) {
                return false;
            }
        }
        return true;
    }
}
