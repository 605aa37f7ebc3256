// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Further activations by PyTorch's definitions, those along an axis too. */
final class Activations {

    private static final Set<String> TYPES = Set.of(
            "GELU",
            "SiLU",
            "Mish",
            "Softplus",
            "Softsign",
            "Hardtanh",
            "ReLU6",
            "Hardswish",
            "Hardsigmoid",
            "PReLU",
            "GLU",
            "Softmax",
            "LogSoftmax");

    private final Map<String, Object> arguments;
    private final Values x;
    private final Function<String, Values> parameters;
    private double margin = Double.POSITIVE_INFINITY;

    Activations(Map<String, Object> arguments, Values x, Function<String, Values> parameters) {
        this.arguments = arguments;
        this.x = x;
        this.parameters = parameters;
    }

    static boolean knows(String type) {
        return TYPES.contains(type);
    }

    /** The distance of the closest element from a kink. */
    double margin() {
        return margin;
    }

    Values apply(String type) {
        return switch (type) {
            case "GELU" ->
                "tanh".equals(arguments.get("approximate"))
                        ? x.map(Activations::geluTanh)
                        : x.map(value -> value.times(value.normalDistribution()));
            case "SiLU" -> x.map(value -> value.times(value.sigmoid()));
            case "Mish" -> x.map(value -> value.times(value.softplus().tanh()));
            case "Softplus" -> softplus(number("beta", 1), number("threshold", 20));
            case "Softsign" ->
                x.map(value ->
                        value.over(value.positivePart().times(2).minus(value).plus(one())));
            case "Hardtanh" -> between(number("min_val", -1), number("max_val", 1), UnaryOperator.identity());
            case "ReLU6" -> between(0, 6, UnaryOperator.identity());
            case "Hardsigmoid" -> hardsigmoid();
            case "Hardswish" -> x.combine(hardsigmoid(), Value::times);
            case "PReLU" -> prelu(parameters.apply("weight"));
            case "GLU" -> glu(axis());
            case "Softmax" -> logSoftmax(axis()).map(Value::exp);
            default -> logSoftmax(axis());
        };
    }

    private static Value geluTanh(Value value) {
        Value cubic = value.times(value).times(value).times(0.044715);
        Value tanh = value.plus(cubic).times(Math.sqrt(2 / Math.PI)).tanh();
        return value.times(tanh.plus(one())).times(0.5);
    }

    private Values softplus(double beta, double threshold) {
        return x.map(value -> {
            double distance = beta * value.number() - threshold;
            margin = Math.min(margin, Math.abs(distance));
            return distance > 0 ? value : value.times(beta).softplus().times(1 / beta);
        });
    }

    private Values between(double low, double high, UnaryOperator<Value> inside) {
        return x.map(value -> {
            double number = value.number();
            margin = Math.min(margin, Math.min(Math.abs(number - low), Math.abs(number - high)));
            return number <= low ? constant(low) : number >= high ? constant(high) : inside.apply(value);
        });
    }

    private Values hardsigmoid() {
        return between(-3, 3, UnaryOperator.identity())
                .map(value -> value.plus(constant(3)).times(1 / 6.0));
    }

    private Values prelu(Values weight) {
        return Values.fill(x.shape(), index -> {
            Value value = x.at(index);
            margin = Math.min(margin, Math.abs(value.number()));
            boolean one = weight.elements().size() == 1;
            return value.number() > 0 ? value : value.times(weight.at(one ? 0 : index[0]));
        });
    }

    private Values glu(int axis) {
        int[] shape = x.shape().clone();
        shape[axis] /= 2;
        return Values.fill(shape, index -> {
            int[] second = index.clone();
            second[axis] += shape[axis];
            return x.at(index).times(x.at(second).sigmoid());
        });
    }

    private Values logSoftmax(int axis) {
        return Values.fill(x.shape(), index -> {
            Iterable<Value> terms = IntStream.range(0, x.shape()[axis])
                    .mapToObj(i -> {
                        int[] other = index.clone();
                        other[axis] = i;
                        return x.at(other).exp();
                    })
                    .toList();
            return x.at(index).minus(Value.sum(terms).log());
        });
    }

    private int axis() {
        Object dim = arguments.get("dim");
        int last = x.shape().length - 1;
        if (dim == null) {
            return arguments.containsKey("dim") ? 0 : last;
        }
        int number = ((Number) dim).intValue();
        return number < 0 ? number + last + 1 : number - 1;
    }

    private double number(String name, double otherwise) {
        return arguments.get(name) instanceof Number number ? number.doubleValue() : otherwise;
    }

    private static Value constant(double number) {
        return Value.constant(number);
    }

    private static Value one() {
        return constant(1);
    }
}
