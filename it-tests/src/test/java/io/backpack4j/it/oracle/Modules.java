// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.NodeDescription;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** The modules by PyTorch's definitions. */
final class Modules {

    private static final double SELU_ALPHA = 1.6732632423543772848170429916717;
    private static final double SELU_SCALE = 1.0507009873554804934193349852946;

    private double margin = Double.POSITIVE_INFINITY;

    private final Consumer<WeightUse> uses;

    Modules() {
        this(use -> {});
    }

    /** @param uses hears of every product of a weight with a vector, but those of convolutions and tables */
    Modules(Consumer<WeightUse> uses) {
        this.uses = uses;
    }

    double margin() {
        return margin;
    }

    Values apply(NodeDescription node, List<Values> inputs, Function<String, Values> parameters) {
        Map<String, Object> arguments = node.arguments();
        Values x = inputs.get(0);
        return switch (node.type()) {
            case "Linear" -> linear(x, parameters, !Boolean.FALSE.equals(arguments.get("bias")));
            case "ReLU" -> x.map(bent(Value::positivePart, value -> constant(0)));
            case "LeakyReLU" -> leaky(x, number(arguments, "negative_slope", 0.01));
            case "ELU" -> elu(x, 1, number(arguments, "alpha", 1));
            case "SELU" -> elu(x, SELU_SCALE, SELU_ALPHA);
            case "Sigmoid" -> x.map(Value::sigmoid);
            case "Tanh" -> x.map(Value::tanh);
            case "LogSigmoid" -> x.map(value -> value.times(-1).softplus().times(-1));
            case "Identity" -> x;
            case "Dropout" -> dropout(x, arguments);
            case "Affine" ->
                x.map(value ->
                        value.times(number(arguments, "scale", 1)).plus(constant(number(arguments, "shift", 0))));
            case "Sub" -> x.combine(inputs.get(1), Value::minus);
            case "Div" -> x.combine(inputs.get(1), Value::over);
            case "Upsample" -> Upsampling.apply(x, arguments);
            case "Scale" -> x.map(value -> value.times(number(arguments, "weight", 1)));
            case "Sum" ->
                inputs.stream().reduce((a, b) -> a.combine(b, Value::plus)).orElseThrow();
            case "Mul" ->
                inputs.stream().reduce((a, b) -> a.combine(b, Value::times)).orElseThrow();
            case "Concat" -> concat(inputs, axis((int) number(arguments, "dim", 0), x));
            case "Flatten" ->
                flatten(
                        x,
                        axis((int) number(arguments, "start_dim", 1), x),
                        axis((int) number(arguments, "end_dim", -1), x));
            case "Mean" -> mean(x, axis((int) number(arguments, "dim", 1), x));
            case "Max" -> maximum(x, axis((int) number(arguments, "dim", 1), x));
            case "MatMul" -> multiply(x, inputs.get(1));
            case "Reshape" -> reshape(x, list(arguments, "shape"));
            case "Parameter" -> parameters.apply("weight");
            case "Permute" -> permute(x, list(arguments, "dims"));
            case "Slice" -> slice(x, list(arguments, "slices"));
            case "Embedding", "EmbeddingBag", "RNN", "LSTM", "GRU" -> sequence(node, inputs, parameters);
            default ->
                Attention.knows(node.type())
                        ? attention(node, inputs, parameters)
                        : Activations.knows(node.type())
                                ? activation(node, x, parameters)
                                : spatial(node, x, parameters);
        };
    }

    private Values attention(NodeDescription node, List<Values> inputs, Function<String, Values> parameters) {
        Attention attention = new Attention(node.arguments(), inputs, parameters, uses);
        Values y = attention.apply(node.type());
        margin = Math.min(margin, attention.margin());
        return y;
    }

    private Values activation(NodeDescription node, Values x, Function<String, Values> parameters) {
        Activations activations = new Activations(node.arguments(), x, parameters);
        Values y = activations.apply(node.type());
        margin = Math.min(margin, activations.margin());
        return y;
    }

    private Values sequence(NodeDescription node, List<Values> inputs, Function<String, Values> parameters) {
        Sequences sequences = new Sequences(node.arguments(), inputs, parameters, uses);
        Values y = sequences.apply(node.type());
        margin = Math.min(margin, sequences.margin());
        return y;
    }

    private Values spatial(NodeDescription node, Values x, Function<String, Values> parameters) {
        if (Norms.knows(node.type())) {
            return new Norms(node.arguments(), x, parameters).apply(node.type());
        }
        String family = node.type().replaceFirst("[123]d$", "");
        if (!SpatialModules.knows(family)) {
            throw new IllegalArgumentException("The oracle does not know " + node.type());
        }
        SpatialModules modules = new SpatialModules(node.arguments(), x, parameters);
        Values y = modules.apply(family);
        margin = Math.min(margin, modules.margin());
        return y;
    }

    private Values linear(Values x, Function<String, Values> parameters, boolean hasBias) {
        Values weight = parameters.apply("weight");
        int[] shape = x.shape().clone();
        int last = shape.length - 1;
        shape[last] = weight.shape()[0];
        Values y = Values.fill(shape, index -> {
            int out = index[last];
            Value sum = hasBias ? parameters.apply("bias").at(out) : constant(0);
            for (int in = 0; in < weight.shape()[1]; in++) {
                int[] from = index.clone();
                from[last] = in;
                sum = sum.plus(weight.at(out, in).times(x.at(from)));
            }
            return sum;
        });
        int rows = weight.shape()[0];
        int columns = weight.shape()[1];
        for (int position = 0; position < y.elements().size() / rows; position++) {
            uses.accept(new WeightUse(
                    "weight",
                    0,
                    x.elements().subList(position * columns, (position + 1) * columns),
                    y.elements().subList(position * rows, (position + 1) * rows)));
        }
        return y;
    }

    private Values leaky(Values x, double slope) {
        return x.map(bent(value -> value, value -> value.times(slope)));
    }

    private Values elu(Values x, double scale, double alpha) {
        return x.map(bent(
                value -> value.times(scale),
                value -> value.exp().minus(constant(1)).times(scale * alpha)));
    }

    private UnaryOperator<Value> bent(UnaryOperator<Value> above, UnaryOperator<Value> elsewhere) {
        return value -> {
            if (value.number() != 0) {
                margin = Math.min(margin, Math.abs(value.number()));
            }
            return value.number() > 0 ? above.apply(value) : elsewhere.apply(value);
        };
    }

    private static Values dropout(Values x, Map<String, Object> arguments) {
        if (!"eval".equals(arguments.get("mode")) && number(arguments, "p", 0.5) != 0) {
            throw new IllegalArgumentException("The oracle draws nothing");
        }
        return x;
    }

    private static Values concat(List<Values> inputs, int axis) {
        List<Value> slabs = new ArrayList<>();
        int[] shape = inputs.get(0).shape().clone();
        int outer = Arrays.stream(shape, 0, axis).reduce(1, (a, b) -> a * b);
        for (int i = 0; i < outer; i++) {
            for (Values input : inputs) {
                int slab = input.elements().size() / outer;
                slabs.addAll(input.elements().subList(i * slab, (i + 1) * slab));
            }
        }
        shape[axis] = inputs.stream().mapToInt(input -> input.shape()[axis]).sum();
        return new Values(shape, slabs);
    }

    private static Values flatten(Values x, int start, int end) {
        List<Integer> shape = new ArrayList<>();
        for (int axis = 0; axis < x.shape().length; axis++) {
            if (axis > start && axis <= end) {
                shape.add(shape.remove(shape.size() - 1) * x.shape()[axis]);
            } else {
                shape.add(x.shape()[axis]);
            }
        }
        return new Values(shape.stream().mapToInt(size -> size).toArray(), x.elements());
    }

    private static Values mean(Values x, int axis) {
        int[] shape = new int[x.shape().length - 1];
        System.arraycopy(x.shape(), 0, shape, 0, axis);
        System.arraycopy(x.shape(), axis + 1, shape, axis, shape.length - axis);
        int length = x.shape()[axis];
        return Values.fill(shape, index -> {
            Value sum = constant(0);
            for (int i = 0; i < length; i++) {
                int[] from = new int[index.length + 1];
                System.arraycopy(index, 0, from, 0, axis);
                from[axis] = i;
                System.arraycopy(index, axis, from, axis + 1, index.length - axis);
                sum = sum.plus(x.at(from));
            }
            return sum.times(1.0 / length);
        });
    }

    /** The first of the largest. */
    private Values maximum(Values x, int axis) {
        int[] shape = IntStream.range(0, x.shape().length)
                .filter(i -> i != axis)
                .map(i -> x.shape()[i])
                .toArray();
        return Values.fill(shape, index -> {
            Value best = null;
            for (int i = 0; i < x.shape()[axis]; i++) {
                int[] from = new int[index.length + 1];
                System.arraycopy(index, 0, from, 0, axis);
                from[axis] = i;
                System.arraycopy(index, axis, from, axis + 1, index.length - axis);
                Value value = x.at(from);
                if (best != null) {
                    margin = Math.min(margin, Math.abs(value.number() - best.number()));
                }
                best = best == null || value.number() > best.number() ? value : best;
            }
            return best;
        });
    }

    private static Values multiply(Values a, Values b) {
        int rank = Math.max(a.shape().length, b.shape().length);
        int[] left = inFront(a.shape(), rank);
        int[] right = inFront(b.shape(), rank);
        int[] shape = new int[rank];
        Arrays.setAll(shape, axis -> Math.max(left[axis], right[axis]));
        shape[rank - 2] = left[rank - 2];
        shape[rank - 1] = right[rank - 1];
        Values first = new Values(left, a.elements());
        Values second = new Values(right, b.elements());
        return Values.fill(
                shape,
                index -> Value.sum(IntStream.range(0, left[rank - 1])
                        .mapToObj(i -> first.at(within(left, index, rank - 1, i))
                                .times(second.at(within(right, index, rank - 2, i))))
                        .toList()));
    }

    private static int[] inFront(int[] shape, int rank) {
        int[] whole = new int[rank];
        Arrays.fill(whole, 1);
        System.arraycopy(shape, 0, whole, rank - shape.length, shape.length);
        return whole;
    }

    /** An index with one axis replaced, and 0 along axes of size one. */
    private static int[] within(int[] shape, int[] index, int axis, int position) {
        int[] at = index.clone();
        at[axis] = position;
        Arrays.setAll(at, i -> shape[i] == 1 ? 0 : at[i]);
        return at;
    }

    private static Values reshape(Values x, List<?> sizes) {
        int[] shape =
                sizes.stream().mapToInt(size -> ((Number) size).intValue()).toArray();
        int known = Arrays.stream(shape).filter(size -> size >= 0).reduce(1, (a, b) -> a * b);
        Arrays.setAll(shape, i -> shape[i] < 0 ? x.elements().size() / known : shape[i]);
        return new Values(shape, x.elements());
    }

    private static Values permute(Values x, List<?> dims) {
        int[] axes = dims.stream()
                .skip(1)
                .mapToInt(dim -> axis(((Number) dim).intValue(), x))
                .toArray();
        int[] shape = Arrays.stream(axes).map(axis -> x.shape()[axis]).toArray();
        return Values.fill(shape, index -> {
            int[] from = new int[axes.length];
            for (int axis = 0; axis < axes.length; axis++) {
                from[axes[axis]] = index[axis];
            }
            return x.at(from);
        });
    }

    private static Values slice(Values x, List<?> slices) {
        List<List<Integer>> picked = new ArrayList<>();
        List<Integer> keptAxes = new ArrayList<>();
        for (int axis = 0; axis < x.shape().length; axis++) {
            int size = x.shape()[axis];
            Object slice = axis + 1 < slices.size() ? slices.get(axis + 1) : Arrays.asList(null, null, null);
            if (slice instanceof List<?> range) {
                keptAxes.add(axis);
                picked.add(range(range, size));
            } else {
                picked.add(List.of(Math.floorMod(((Number) slice).intValue(), size)));
            }
        }
        int[] shape =
                keptAxes.stream().mapToInt(axis -> picked.get(axis).size()).toArray();
        return Values.fill(shape, index -> {
            int[] from = picked.stream().mapToInt(positions -> positions.get(0)).toArray();
            for (int i = 0; i < index.length; i++) {
                int axis = keptAxes.get(i);
                from[axis] = picked.get(axis).get(index[i]);
            }
            return x.at(from);
        });
    }

    /** Python's range of start, stop and step. */
    private static List<Integer> range(List<?> range, int size) {
        int[] bounds = {0, size};
        for (int i = 0; i < 2; i++) {
            if (range.get(i) instanceof Number bound) {
                int counted = bound.intValue() < 0 ? bound.intValue() + size : bound.intValue();
                bounds[i] = Math.min(Math.max(counted, 0), size);
            }
        }
        int step = range.get(2) instanceof Number number ? number.intValue() : 1;
        List<Integer> positions = new ArrayList<>();
        for (int position = bounds[0]; position < bounds[1]; position += step) {
            positions.add(position);
        }
        return positions;
    }

    /** The axis within a sample of an axis of the batch. */
    private static int axis(int dim, Values x) {
        return dim < 0 ? dim + x.shape().length : dim - 1;
    }

    private static Value constant(double number) {
        return Value.constant(number);
    }

    private static double number(Map<String, Object> arguments, String name, double otherwise) {
        return arguments.get(name) instanceof Number number ? number.doubleValue() : otherwise;
    }

    private static List<?> list(Map<String, Object> arguments, String name) {
        return (List<?>) arguments.get(name);
    }
}
