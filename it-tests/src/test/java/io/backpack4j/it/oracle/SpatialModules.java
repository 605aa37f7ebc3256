// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The modules over spatial axes by PyTorch's definitions; samples are {@code [C, *spatial]}. */
final class SpatialModules {

    private final Map<String, Object> arguments;
    private final Values x;
    private final Function<String, Values> parameters;
    private final int axes;
    private double margin = Double.POSITIVE_INFINITY;

    SpatialModules(Map<String, Object> arguments, Values x, Function<String, Values> parameters) {
        this.arguments = arguments;
        this.x = x;
        this.parameters = parameters;
        this.axes = x.shape().length - 1;
    }

    static boolean knows(String family) {
        return List.of(
                        "Conv",
                        "ConvTranspose",
                        "MaxPool",
                        "AvgPool",
                        "AdaptiveAvgPool",
                        "AdaptiveMaxPool",
                        "ZeroPad",
                        "ConstantPad",
                        "Pad",
                        "BatchNorm")
                .contains(family);
    }

    Values apply(String family) {
        return switch (family) {
            case "Conv" -> conv();
            case "ConvTranspose" -> convTranspose();
            case "MaxPool" -> pool(windows(), this::largest);
            case "AvgPool" -> pool(windows(), this::average);
            case "AdaptiveAvgPool" -> pool(adaptiveWindows(), (values, divisor) -> mean(values));
            case "AdaptiveMaxPool" -> pool(adaptiveWindows(), this::largest);
            case "BatchNorm" -> batchNorm();
            default -> pad();
        };
    }

    /** The smallest distance of a maximum from the next smaller number. */
    double margin() {
        return margin;
    }

    private Values conv() {
        Values weight = parameters.apply("weight");
        int[] kernel = each("kernel_size", 1);
        int[] out = new int[axes + 1];
        out[0] = weight.shape()[0];
        for (int axis = 0; axis < axes; axis++) {
            int span = (kernel[axis] - 1) * each("dilation", 1)[axis];
            int padded = x.shape()[axis + 1] + 2 * each("padding", 0)[axis];
            out[axis + 1] = (padded - span - 1) / each("stride", 1)[axis] + 1;
        }
        int inPerGroup = weight.shape()[1];
        int outPerGroup = out[0] / number("groups", 1);
        return Values.fill(out, index -> {
            List<Value> terms = new ArrayList<>(bias(index[0]));
            for (int[] k : indices(kernel)) {
                int[] place = place(index, k);
                if (isInside(place, x.shape())) {
                    for (int c = 0; c < inPerGroup; c++) {
                        place[0] = index[0] / outPerGroup * inPerGroup + c;
                        terms.add(weight.at(joined(index[0], c, k)).times(x.at(place)));
                    }
                }
            }
            return Value.sum(terms);
        });
    }

    private Values convTranspose() {
        Values weight = parameters.apply("weight");
        int[] kernel = each("kernel_size", 1);
        int outPerGroup = weight.shape()[1];
        int groups = number("groups", 1);
        int[] out = new int[axes + 1];
        out[0] = outPerGroup * groups;
        for (int axis = 0; axis < axes; axis++) {
            out[axis + 1] = (x.shape()[axis + 1] - 1) * each("stride", 1)[axis]
                    - 2 * each("padding", 0)[axis]
                    + (kernel[axis] - 1) * each("dilation", 1)[axis]
                    + each("output_padding", 0)[axis]
                    + 1;
        }
        List<List<Value>> terms = new ArrayList<>();
        for (int[] index : indices(out)) {
            terms.add(new ArrayList<>(bias(index[0])));
        }
        for (int[] index : indices(x.shape())) {
            for (int[] k : indices(kernel)) {
                int[] place = place(index, k);
                if (isInside(place, out)) {
                    for (int o = 0; o < outPerGroup; o++) {
                        place[0] = index[0] / (x.shape()[0] / groups) * outPerGroup + o;
                        Value term = weight.at(joined(index[0], o, k)).times(x.at(index));
                        terms.get(position(place, out)).add(term);
                    }
                }
            }
        }
        return new Values(out, terms.stream().map(Value::sum).toList());
    }

    private List<Value> bias(int channel) {
        return Boolean.FALSE.equals(arguments.get("bias"))
                ? List.of()
                : List.of(parameters.apply("bias").at(channel));
    }

    /** Where element k of the window at an index lies; channel 0. */
    private int[] place(int[] index, int[] k) {
        int[] place = new int[axes + 1];
        for (int axis = 0; axis < axes; axis++) {
            place[axis + 1] = index[axis + 1] * each("stride", 1)[axis]
                    + k[axis] * each("dilation", 1)[axis]
                    - each("padding", 0)[axis];
        }
        return place;
    }

    /**
     * The inputs that an output sees along one axis.
     *
     * @param positions the inputs
     * @param size the length of the window with padding, without what lies behind it
     */
    private record Window(List<Integer> positions, int size) {}

    private List<List<Window>> windows() {
        int[] kernel = each("kernel_size", 1);
        int[] strides = arguments.containsKey("stride") ? each("stride", 1) : kernel;
        List<List<Window>> windows = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            int in = x.shape()[axis + 1];
            int padding = each("padding", 0)[axis];
            int dilation = each("dilation", 1)[axis];
            int rest = in + 2 * padding - (kernel[axis] - 1) * dilation - 1;
            boolean ceil = Boolean.TRUE.equals(arguments.get("ceil_mode"));
            int count = (ceil ? -Math.floorDiv(-rest, strides[axis]) : Math.floorDiv(rest, strides[axis])) + 1;
            if (ceil && (count - 1) * strides[axis] >= in + padding) {
                count--;
            }
            List<Window> own = new ArrayList<>();
            for (int t = 0; t < count; t++) {
                int start = t * strides[axis] - padding;
                List<Integer> positions = new ArrayList<>();
                for (int k = 0; k < kernel[axis]; k++) {
                    int position = start + k * dilation;
                    if (position >= 0 && position < in) {
                        positions.add(position);
                    }
                }
                own.add(new Window(positions, Math.min(start + kernel[axis], in + padding) - start));
            }
            windows.add(own);
        }
        return windows;
    }

    private List<List<Window>> adaptiveWindows() {
        List<List<Window>> windows = new ArrayList<>();
        for (int axis = 0; axis < axes; axis++) {
            int in = x.shape()[axis + 1];
            Object size = arguments.get("output_size") instanceof List<?> list
                    ? list.get(axis)
                    : arguments.get("output_size");
            int out = size instanceof Number number ? number.intValue() : in;
            List<Window> own = new ArrayList<>();
            for (int t = 0; t < out; t++) {
                List<Integer> positions = new ArrayList<>();
                int end = (int) Math.ceil((t + 1) * in / (double) out);
                for (int position = t * in / out; position < end; position++) {
                    positions.add(position);
                }
                own.add(new Window(positions, positions.size()));
            }
            windows.add(own);
        }
        return windows;
    }

    private interface Pool {
        Value of(List<Value> values, int windowSize);
    }

    private Values pool(List<List<Window>> windows, Pool pool) {
        int[] out = new int[axes + 1];
        out[0] = x.shape()[0];
        for (int axis = 0; axis < axes; axis++) {
            out[axis + 1] = windows.get(axis).size();
        }
        return Values.fill(out, index -> {
            int[] sizes = new int[axes];
            int windowSize = 1;
            for (int axis = 0; axis < axes; axis++) {
                Window window = windows.get(axis).get(index[axis + 1]);
                sizes[axis] = window.positions().size();
                windowSize *= window.size();
            }
            List<Value> values = new ArrayList<>();
            for (int[] k : indices(sizes)) {
                int[] place = index.clone();
                for (int axis = 0; axis < axes; axis++) {
                    place[axis + 1] =
                            windows.get(axis).get(index[axis + 1]).positions().get(k[axis]);
                }
                values.add(x.at(place));
            }
            return pool.of(values, windowSize);
        });
    }

    private Value largest(List<Value> values, int windowSize) {
        Value largest = values.get(0);
        for (Value value : values) {
            largest = value.number() > largest.number() ? value : largest;
        }
        for (Value value : values) {
            if (value.number() != largest.number()) {
                margin = Math.min(margin, largest.number() - value.number());
            }
        }
        return largest;
    }

    private static Value mean(List<Value> values) {
        return Value.sum(values).times(1.0 / values.size());
    }

    private Value average(List<Value> values, int windowSize) {
        int divisor = Boolean.FALSE.equals(arguments.get("count_include_pad")) ? values.size() : windowSize;
        return Value.sum(values).times(1.0 / number("divisor_override", divisor));
    }

    private Values pad() {
        int[] padding = arguments.get("padding") instanceof List<?> list
                ? list.stream().mapToInt(size -> ((Number) size).intValue()).toArray()
                : new int[2 * axes];
        if (arguments.get("padding") instanceof Number size) {
            Arrays.fill(padding, size.intValue());
        }
        double value = arguments.get("value") instanceof Number number ? number.doubleValue() : 0;
        int[] out = x.shape().clone();
        int[] before = new int[out.length];
        for (int pair = 0; pair < padding.length / 2; pair++) {
            int axis = out.length - 1 - pair;
            before[axis] = padding[2 * pair];
            out[axis] += padding[2 * pair] + padding[2 * pair + 1];
        }
        return Values.fill(out, index -> {
            int[] place = new int[index.length];
            Arrays.setAll(place, axis -> index[axis] - before[axis]);
            boolean inside = isInside(place, x.shape()) && place[0] >= 0 && place[0] < x.shape()[0];
            return inside ? x.at(place) : Value.constant(value);
        });
    }

    /** In eval mode: the batch is not known here. */
    private Values batchNorm() {
        if (!"eval".equals(arguments.get("mode"))) {
            throw new IllegalArgumentException("The oracle sees one sample at a time");
        }
        double eps = arguments.get("eps") instanceof Number number ? number.doubleValue() : 1e-5;
        boolean affine = !Boolean.FALSE.equals(arguments.get("affine"));
        return Values.fill(x.shape(), index -> {
            int channel = index[0];
            double deviation =
                    Math.sqrt(parameters.apply("running_var").at(channel).number() + eps);
            Value normal = x.at(index)
                    .minus(parameters.apply("running_mean").at(channel))
                    .times(1 / deviation);
            return affine
                    ? normal.times(parameters.apply("weight").at(channel))
                            .plus(parameters.apply("bias").at(channel))
                    : normal;
        });
    }

    private int number(String name, int otherwise) {
        return arguments.get(name) instanceof Number number ? number.intValue() : otherwise;
    }

    private int[] each(String name, int otherwise) {
        int[] values = new int[axes];
        for (int axis = 0; axis < axes; axis++) {
            Object value = arguments.get(name) instanceof List<?> list ? list.get(axis) : arguments.get(name);
            values[axis] = value instanceof Number number ? number.intValue() : otherwise;
        }
        return values;
    }

    /** Whether an index lies inside of an array, as far as spatial axes are concerned. */
    private static boolean isInside(int[] index, int[] shape) {
        for (int axis = 1; axis < shape.length; axis++) {
            if (index[axis] < 0 || index[axis] >= shape[axis]) {
                return false;
            }
        }
        return true;
    }

    private static int[] joined(int first, int second, int[] rest) {
        int[] index = new int[rest.length + 2];
        index[0] = first;
        index[1] = second;
        System.arraycopy(rest, 0, index, 2, rest.length);
        return index;
    }

    private static int position(int[] index, int[] shape) {
        int position = 0;
        for (int axis = 0; axis < shape.length; axis++) {
            position = position * shape[axis] + index[axis];
        }
        return position;
    }

    /** All indices of an array in row-major order. */
    private static List<int[]> indices(int[] shape) {
        List<int[]> indices = new ArrayList<>(List.of(new int[shape.length]));
        for (int axis = 0; axis < shape.length; axis++) {
            List<int[]> longer = new ArrayList<>();
            for (int[] index : indices) {
                for (int i = 0; i < shape[axis]; i++) {
                    int[] next = index.clone();
                    next[axis] = i;
                    longer.add(next);
                }
            }
            indices = longer;
        }
        return indices;
    }
}
