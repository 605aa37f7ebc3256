// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** Draws a small network, with branches that come together again, and all its numbers. */
final class RandomProblem {

    private static final int MOST_ELEMENTS = 24;
    private static final List<String> ACTIVATIONS =
            List.of("ReLU", "LeakyReLU", "ELU", "SELU", "Sigmoid", "Tanh", "LogSigmoid", "PReLU", "Softmax", "Further");
    private static final List<String> FURTHER =
            List.of("GELU", "SiLU", "Mish", "Softplus", "Softsign", "Hardtanh", "ReLU6", "Hardswish", "Hardsigmoid");

    private final Random random;
    private final List<NodeDescription> nodes = new ArrayList<>();
    private final Map<String, int[]> inputs = new LinkedHashMap<>();
    private final Map<String, int[]> parameters = new LinkedHashMap<>();
    private final List<Signal> signals = new ArrayList<>();
    private Signal current;

    /**
     * What a node or an input supplies.
     *
     * @param name whose output it is
     * @param shape of one sample
     */
    private record Signal(String name, int[] shape) {

        int rank() {
            return shape.length;
        }

        int last() {
            return shape[shape.length - 1];
        }

        int elements() {
            return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        }
    }

    private RandomProblem(Random random) {
        this.random = random;
        int[] shape = random.ints(between(1, 3), 1, 4).toArray();
        shape[shape.length - 1] = between(1, 4);
        this.current = input(shape);
    }

    static Problem draw(Random random) {
        return new RandomProblem(random).draw();
    }

    private Problem draw() {
        if (random.nextInt(3) > 0) {
            linear(between(1, 4), true);
        }
        int steps = between(1, 7);
        for (int i = 0; i < steps; i++) {
            step();
        }
        while (current.elements() > MOST_ELEMENTS) {
            shrink();
        }
        linear(between(2, 4), false);
        String loss =
                List.of("CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss").get(between(0, 2));
        head(loss.equals("CrossEntropyLoss"));
        LossDescription described =
                new LossDescription(loss, Map.of("reduction", random.nextBoolean() ? "mean" : "sum"));
        ModelDescription model =
                new ModelDescription(nodes, List.copyOf(inputs.keySet()), Optional.of(current.name()), described);
        int samples = between(1, 7);
        Map<String, Numbers> inputNumbers = new LinkedHashMap<>();
        inputs.forEach((name, shape) ->
                inputNumbers.put(name, numbers(batch(samples, shape), () -> random.nextDouble() * 3 - 1.5)));
        Map<String, Numbers> parameterNumbers = new LinkedHashMap<>();
        parameters.forEach((name, shape) -> {
            double least = name.endsWith(".running_var") ? 0.1 : -0.8;
            parameterNumbers.put(name, numbers(shape, () -> random.nextDouble() * 1.6 + least));
        });
        return new Problem(model, inputNumbers, targets(loss, batch(samples, current.shape())), parameterNumbers);
    }

    private void step() {
        if (current.elements() > MOST_ELEMENTS) {
            shrink();
            return;
        }
        switch (between(0, 15)) {
            case 0, 1, 2 -> linear(between(1, 4), true);
            case 3, 4 -> activation();
            case 5, 6 -> simple();
            case 7 -> permute();
            case 8 -> slice();
            case 9 -> flatten();
            case 10, 11, 12 -> spatial();
            default -> merge();
        }
    }

    private void shrink() {
        if (current.last() > 2) {
            linear(1, true);
        } else {
            slice();
        }
    }

    private void linear(int out, boolean shared) {
        String name = name();
        boolean bias = random.nextInt(3) > 0;
        Map<String, int[]> own = new LinkedHashMap<>();
        own.put("weight", new int[] {out, current.last()});
        if (bias) {
            own.put("bias", new int[] {out});
        }
        Map<String, String> ties = new LinkedHashMap<>();
        own.forEach((parameter, shape) -> {
            List<String> owners = parameters.keySet().stream()
                    .filter(owner -> Arrays.equals(parameters.get(owner), shape) && !owner.contains(".running_"))
                    .toList();
            if (shared && !owners.isEmpty() && random.nextInt(3) > 0) {
                ties.put(parameter, owners.get(random.nextInt(owners.size())));
            } else {
                parameters.put(name + "." + parameter, shape);
            }
        });
        Frozen frozen = Frozen.NONE;
        if (shared && ties.isEmpty()) {
            int draw = between(0, 9);
            frozen = draw == 0 ? Frozen.ALL : draw == 1 ? new Frozen(false, Set.of("weight")) : frozen;
            frozen = draw == 2 && bias ? new Frozen(false, Set.of("bias")) : frozen;
        }
        int[] shape = current.shape().clone();
        shape[shape.length - 1] = out;
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_features", current.last());
        arguments.put("out_features", out);
        arguments.put("bias", bias);
        add(new NodeDescription(name, "Linear", arguments, List.of(current.name()), frozen, ties), shape);
    }

    /** Takes the first axis for channels and the others for space, if there are others. */
    private void spatial() {
        int axes = current.rank() - 1;
        if (axes < 1) {
            linear(between(1, 4), true);
            return;
        }
        int[] out = current.shape().clone();
        switch (between(0, 5)) {
            case 0 -> convolution(axes, false);
            case 1 -> convolution(axes, true);
            case 2 -> pool(axes, random.nextBoolean());
            case 3 -> {
                List<Integer> sizes = new ArrayList<>();
                for (int axis = 1; axis <= axes; axis++) {
                    out[axis] = random.nextInt(3) == 0 ? out[axis] : between(1, 3);
                    sizes.add(out[axis] == current.shape()[axis] && random.nextBoolean() ? null : out[axis]);
                }
                String type = random.nextBoolean() ? "AdaptiveAvgPool" : "AdaptiveMaxPool";
                add(type + axes + "d", Map.of("output_size", sizes), out, current);
            }
            case 4 -> {
                int axis = between(0, axes);
                int before = between(-out[axis] + 1, 1);
                int behind = between(0, 1);
                List<Integer> padding = new ArrayList<>(Collections.nCopies(2 * (axes - axis), 0));
                padding.addAll(List.of(before, behind));
                out[axis] += before + behind;
                add("Pad", Map.of("padding", padding, "value", between(-2, 2)), out, current);
            }
            default -> {
                String name = name();
                boolean affine = random.nextInt(3) > 0;
                for (String parameter : affine
                        ? List.of("weight", "bias", "running_mean", "running_var")
                        : List.of("running_mean", "running_var")) {
                    parameters.put(name + "." + parameter, new int[] {out[0]});
                }
                Map<String, Object> arguments = Map.of("num_features", out[0], "affine", affine, "mode", "eval");
                add("BatchNorm" + axes + "d", arguments, out, current);
            }
        }
    }

    private void convolution(int axes, boolean transposed) {
        int in = current.shape()[0];
        int groups = in % 2 == 0 && random.nextBoolean() ? 2 : 1;
        int channels = groups * between(1, 2);
        boolean bias = random.nextBoolean();
        int[] out = current.shape().clone();
        out[0] = channels;
        int[] weight = new int[axes + 2];
        weight[0] = transposed ? in : channels;
        weight[1] = (transposed ? channels : in) / groups;
        List<Integer> kernel = new ArrayList<>();
        List<Integer> stride = new ArrayList<>();
        List<Integer> padding = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            int size = out[axis + 1];
            int pad = transposed ? 0 : between(0, 1);
            int step = between(1, 2);
            int length = between(1, transposed ? 2 : Math.min(3, size + 2 * pad));
            out[axis + 1] = transposed ? (size - 1) * step + length : (size + 2 * pad - length) / step + 1;
            weight[axis + 2] = length;
            kernel.add(length);
            stride.add(step);
            padding.add(pad);
        }
        String name = name();
        parameters.put(name + ".weight", weight);
        if (bias) {
            parameters.put(name + ".bias", new int[] {channels});
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_channels", in);
        arguments.put("out_channels", channels);
        arguments.put("kernel_size", kernel);
        arguments.put("stride", stride);
        arguments.put("padding", padding);
        arguments.put("groups", groups);
        arguments.put("bias", bias);
        add((transposed ? "ConvTranspose" : "Conv") + axes + "d", arguments, out, current);
    }

    private void pool(int axes, boolean maximum) {
        int[] out = current.shape().clone();
        List<Integer> kernel = new ArrayList<>();
        List<Integer> padding = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            int size = out[axis + 1];
            int length = between(1, Math.min(3, size));
            int pad = between(0, length / 2);
            out[axis + 1] = size + 2 * pad - length + 1;
            kernel.add(length);
            padding.add(pad);
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("kernel_size", kernel);
        arguments.put("stride", 1);
        arguments.put("padding", padding);
        if (!maximum) {
            arguments.put("count_include_pad", random.nextBoolean());
        }
        add((maximum ? "MaxPool" : "AvgPool") + axes + "d", arguments, out, current);
    }

    private void activation() {
        String drawn = ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size()));
        String type = drawn.equals("Further") ? FURTHER.get(random.nextInt(FURTHER.size())) : drawn;
        int channels = current.shape()[0];
        boolean shared = random.nextBoolean();
        Map<String, Object> arguments = switch (type) {
            case "LeakyReLU" -> Map.of("negative_slope", between(-2, 3) / 10.0);
            case "ELU" -> Map.of("alpha", between(-3, 15) / 10.0);
            case "GELU" -> Map.of("approximate", shared ? "tanh" : "none");
            case "Softplus" -> Map.of("beta", between(2, 30) / 10.0, "threshold", between(1, 20));
            case "Hardtanh" -> Map.of("min_val", between(-9, 1) / 10.0, "max_val", between(2, 12) / 10.0);
            case "PReLU" -> Map.of("num_parameters", shared ? 1 : channels);
            case "Softmax" -> Map.of("dim", between(1, current.rank()));
            default -> Map.of();
        };
        if (type.equals("PReLU")) {
            parameters.put(name() + ".weight", new int[] {shared ? 1 : channels});
        }
        boolean logarithm = type.equals("Softmax") && shared;
        add(logarithm ? "LogSoftmax" : type, arguments, current.shape(), current);
    }

    private void simple() {
        switch (between(0, 2)) {
            case 0 -> add("Identity", Map.of(), current.shape(), current);
            case 1 -> add("Scale", Map.of("weight", between(-15, 15) / 10.0), current.shape(), current);
            default -> add("Dropout", Map.of("p", random.nextDouble(), "mode", "eval"), current.shape(), current);
        }
    }

    private void permute() {
        List<Integer> axes =
                new ArrayList<>(IntStream.range(0, current.rank()).boxed().toList());
        Collections.shuffle(axes, random);
        permute(axes);
    }

    /** @param axes of a sample, in their new order */
    private void permute(List<Integer> axes) {
        int[] shape = axes.stream().mapToInt(axis -> current.shape()[axis]).toArray();
        List<Object> dims = new ArrayList<>(List.of(0));
        axes.forEach(axis -> dims.add(random.nextBoolean() ? axis + 1 : axis - current.rank()));
        add("Permute", Map.of("dims", dims), shape, current);
    }

    private void slice() {
        List<Object> slices = new ArrayList<>();
        slices.add(Arrays.asList(null, null, null));
        List<Integer> shape = new ArrayList<>();
        int entries = between(1, current.rank());
        for (int axis = 0; axis < current.rank(); axis++) {
            int size = current.shape()[axis];
            int left = shape.size() + current.rank() - axis;
            if (axis < entries && left > 1 && random.nextInt(3) == 0) {
                slices.add(between(-size, size - 1));
            } else if (axis < entries) {
                int start = random.nextBoolean() ? 0 : between(0, size - 1);
                int stop = random.nextBoolean() ? size : between(start + 1, size);
                int step = between(1, 3);
                slices.add(range(start, stop, step, size));
                shape.add((stop - start - 1) / step + 1);
            } else {
                shape.add(size);
            }
        }
        add(
                "Slice",
                Map.of("slices", slices),
                shape.stream().mapToInt(size -> size).toArray(),
                current);
    }

    /** Start, stop and step in one of the ways to write them. */
    private List<Integer> range(int start, int stop, int step, int size) {
        Integer[] range = {random.nextBoolean() ? start : start - size, stop < size ? stop - size : size + 3, step};
        boolean[] usual = {start == 0, stop == size, step == 1};
        for (int i = 0; i < range.length; i++) {
            if (usual[i] && random.nextBoolean()) {
                range[i] = null;
            }
        }
        return Arrays.asList(range);
    }

    private void flatten() {
        int start = between(0, current.rank() - 1);
        int end = between(start, current.rank() - 1);
        IntStream joined =
                IntStream.of(Arrays.stream(current.shape(), start, end + 1).reduce(1, (a, b) -> a * b));
        int[] shape = IntStream.concat(
                        IntStream.concat(Arrays.stream(current.shape(), 0, start), joined),
                        Arrays.stream(current.shape(), end + 1, current.rank()))
                .toArray();
        Map<String, Object> arguments = new LinkedHashMap<>();
        if (start > 0 || random.nextBoolean()) {
            arguments.put("start_dim", start + 1);
        }
        if (end < current.rank() - 1 || random.nextBoolean()) {
            arguments.put("end_dim", random.nextBoolean() ? end + 1 : end - current.rank());
        }
        add("Flatten", arguments, shape, current);
    }

    /** Joins the current signal with others: earlier ones, itself, a branch off it, or inputs of the model. */
    private void merge() {
        String type = List.of("Sum", "Mul", "Concat").get(between(0, 2));
        int axis = between(0, current.rank() - 1);
        List<Signal> joined = new ArrayList<>(List.of(current));
        int others = between(1, 2);
        for (int i = 0; i < others; i++) {
            joined.add(partner(joined.get(0), type.equals("Concat") ? axis : -1));
        }
        Collections.shuffle(joined, random);
        int[] shape = joined.get(0).shape().clone();
        Map<String, Object> arguments = Map.of();
        if (type.equals("Concat")) {
            shape[axis] =
                    joined.stream().mapToInt(signal -> signal.shape()[axis]).sum();
            arguments = Map.of("dim", random.nextBoolean() ? axis + 1 : axis - shape.length);
        }
        add(type, arguments, shape, joined.toArray(Signal[]::new));
    }

    /** @param free the axis along which sizes may differ, -1 for none */
    private Signal partner(Signal of, int free) {
        List<Signal> fitting = signals.stream()
                .filter(signal -> signal.rank() == of.rank())
                .filter(signal -> IntStream.range(0, of.rank())
                        .allMatch(axis -> axis == free || signal.shape()[axis] == of.shape()[axis]))
                .toList();
        switch (between(0, 3)) {
            case 0 -> {
                int[] shape = of.shape().clone();
                if (free >= 0) {
                    shape[free] = between(1, 3);
                }
                return input(shape);
            }
            case 1 -> {
                return fitting.get(random.nextInt(fitting.size()));
            }
            default -> {
                current = of;
                if (random.nextBoolean()) {
                    activation();
                }
                linear(of.last(), true);
                return current;
            }
        }
    }

    /** Makes the current signal an output that the loss takes. */
    private void head(boolean classes) {
        if (current.rank() > 1 && random.nextInt(3) == 0) {
            add("Flatten", Map.of(), new int[] {current.elements()}, current);
        }
        int last = current.rank() - 1;
        if (classes && last > 0) {
            List<Integer> axes =
                    new ArrayList<>(IntStream.range(0, last).boxed().toList());
            Collections.shuffle(axes, random);
            axes.add(0, last);
            permute(axes);
        } else if (!classes && last == 0 && random.nextInt(4) == 0) {
            List<Object> slices = List.of(Arrays.asList(null, null, null), between(0, current.last() - 1));
            add("Slice", Map.of("slices", slices), new int[0], current);
        }
    }

    private Numbers targets(String loss, int[] output) {
        if (!loss.equals("CrossEntropyLoss")) {
            return numbers(output, loss.equals("MSELoss") ? random::nextGaussian : random::nextDouble);
        }
        int classes = output[1];
        int[] shape = IntStream.concat(IntStream.of(output[0]), Arrays.stream(output, 2, output.length))
                .toArray();
        return numbers(shape, () -> random.nextInt(classes));
    }

    private Signal input(int[] shape) {
        String name = inputs.isEmpty() ? Graph.INPUT : "input" + inputs.size();
        inputs.put(name, shape);
        Signal input = new Signal(name, shape);
        signals.add(input);
        return input;
    }

    private void add(String type, Map<String, Object> arguments, int[] shape, Signal... from) {
        List<String> names = Arrays.stream(from).map(Signal::name).toList();
        boolean usual = names.equals(List.of(nodes.isEmpty() ? Graph.INPUT : name(nodes.size() - 1)));
        add(new NodeDescription(name(), type, arguments, usual && random.nextBoolean() ? List.of() : names), shape);
    }

    private void add(NodeDescription node, int[] shape) {
        nodes.add(node);
        current = new Signal(node.name(), shape);
        signals.add(current);
    }

    private String name() {
        return name(nodes.size());
    }

    private static String name(int node) {
        return "n." + node;
    }

    private static int[] batch(int samples, int[] shape) {
        return IntStream.concat(IntStream.of(samples), Arrays.stream(shape)).toArray();
    }

    private static Numbers numbers(int[] shape, DoubleSupplier number) {
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Numbers(shape, DoubleStream.generate(number).limit(count).toArray());
    }

    private int between(int from, int to) {
        return from + random.nextInt(to - from + 1);
    }
}
