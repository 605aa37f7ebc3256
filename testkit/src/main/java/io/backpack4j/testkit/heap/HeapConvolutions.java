// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Convolutions as their definitions say: a loop over all that meet, for each pair of channels. */
final class HeapConvolutions implements Convolutions {

    private final HeapBackend backend;

    HeapConvolutions(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void convolve(Window window, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor factors = backend.own(weight);
        HeapTensor out = backend.own(destination);
        HeapTensor offsets = bias == null ? null : backend.own(bias);
        Channels channels = new Channels(window, out.shape(), in.shape(), factors.shape());
        check(out, in, factors, offsets);
        for (int b = 0; b < channels.batch; b++) {
            for (int o = 0; o < channels.out; o++) {
                double[] totals = new double[channels.outputs];
                Arrays.fill(totals, offsets == null ? 0 : offsets.get(o));
                for (int c = 0; c < channels.perGroup; c++) {
                    int weights = channels.weights(o, c);
                    int inputs = channels.inputs(b, o, c);
                    for (Meeting meeting : channels.meetings) {
                        totals[meeting.output] +=
                                factors.get(weights + meeting.element) * in.get(inputs + meeting.input);
                    }
                }
                store(totals, out, channels.outputs(b, o));
            }
        }
    }

    @Override
    public void convolveTransposed(Window window, Tensor y, Tensor weight, @Nullable Tensor bias, Tensor destination) {
        HeapTensor in = backend.own(y);
        HeapTensor factors = backend.own(weight);
        HeapTensor out = backend.own(destination);
        HeapTensor offsets = bias == null ? null : backend.own(bias);
        Channels channels = new Channels(window, in.shape(), out.shape(), factors.shape());
        check(out, in, factors, offsets);
        double[] totals = new double[out.size()];
        for (int i = 0; i < totals.length; i++) {
            int channel = i / channels.inputs % channels.in;
            totals[i] = offsets == null ? 0 : offsets.get(channel);
        }
        for (int b = 0; b < channels.batch; b++) {
            for (int o = 0; o < channels.out; o++) {
                for (int c = 0; c < channels.perGroup; c++) {
                    int weights = channels.weights(o, c);
                    int inputs = channels.inputs(b, o, c);
                    int outputs = channels.outputs(b, o);
                    for (Meeting meeting : channels.meetings) {
                        totals[inputs + meeting.input] +=
                                factors.get(weights + meeting.element) * in.get(outputs + meeting.output);
                    }
                }
            }
        }
        store(totals, out, 0);
    }

    private static void check(HeapTensor out, HeapTensor in, HeapTensor weight, @Nullable HeapTensor bias) {
        HeapChecks.floating(out, in, weight);
        HeapChecks.apart(out, in, weight);
        if (bias != null) {
            HeapChecks.shape(bias, Shape.of(out.shape().size(1)));
            HeapChecks.floating(out, bias);
            HeapChecks.apart(out, bias);
        }
    }

    @Override
    public void unfold(Window window, Tensor x, List<Long> outputSizes, Tensor destination) {
        HeapTensor in = backend.own(x);
        HeapTensor out = backend.own(destination);
        Columns columns = new Columns(window, in, outputSizes, out);
        double[] unfolded = new double[out.size()];
        for (int plane = 0; plane < columns.planes; plane++) {
            for (Meeting meeting : columns.meetings) {
                unfolded[columns.place(plane, meeting)] = in.get(plane * columns.inputs + meeting.input);
            }
        }
        store(unfolded, out, 0);
    }

    @Override
    public void fold(Window window, Tensor unfolded, List<Long> outputSizes, Tensor destination) {
        HeapTensor in = backend.own(unfolded);
        HeapTensor out = backend.own(destination);
        Columns columns = new Columns(window, out, outputSizes, in);
        double[] totals = new double[out.size()];
        for (int plane = 0; plane < columns.planes; plane++) {
            for (Meeting meeting : columns.meetings) {
                totals[plane * columns.inputs + meeting.input] += in.get(columns.place(plane, meeting));
            }
        }
        store(totals, out, 0);
    }

    @Override
    public void unfoldTransposed(Window window, Tensor y, List<Long> inputSizes, Tensor destination) {
        HeapTensor in = backend.own(y);
        HeapTensor out = backend.own(destination);
        HeapChecks.floating(out, in);
        HeapChecks.apart(out, in);
        Shape outputs = window.spatial(in.shape());
        Shape inputs = shape(inputSizes);
        int groups = (int) out.shape().size(1);
        int perGroup = (int) in.shape().size(1) / groups;
        int elements = (int) window.elements();
        HeapChecks.shape(out, Shape.of(in.shape().size(0), groups, inputs.elements(), (long) perGroup * elements));
        double[] unfolded = new double[out.size()];
        int planes = (int) in.shape().elements(0, 2);
        List<Meeting> meetings = meetings(window, outputs, inputs);
        for (int plane = 0; plane < planes; plane++) {
            for (Meeting meeting : meetings) {
                int position = plane / perGroup * (int) inputs.elements() + meeting.input;
                unfolded[(position * perGroup + plane % perGroup) * elements + meeting.element] =
                        in.get(plane * (int) outputs.elements() + meeting.output);
            }
        }
        store(unfolded, out, 0);
    }

    @Override
    public void addInputGram(
            Window window, Tensor x, List<Long> outputSizes, boolean summed, double scale, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor columns = columns(scope, x, outputSizes, destination);
            unfold(window, x, outputSizes, columns);
            backend.products().addGram(columns, true, summed, scale, destination);
        }
    }

    @Override
    public void addOutputGram(
            Window window, Tensor y, List<Long> inputSizes, boolean summed, double scale, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor columns = columns(scope, y, inputSizes, destination);
            unfoldTransposed(window, y, inputSizes, columns);
            backend.products().addGram(columns, true, summed, scale, destination);
        }
    }

    /** Room for all samples, unfolded. */
    private static Tensor columns(TensorScope scope, Tensor samples, List<Long> positions, Tensor gram) {
        Shape shape = Shape.of(
                samples.shape().size(0),
                gram.shape().size(0),
                shape(positions).elements(),
                gram.shape().size(1));
        return scope.allocate(shape, samples.dtype());
    }

    @Override
    public void contract(PerSampleConvolution product, List<TileConsumer> consumers) {
        for (int b = 0; b < product.batch(); b++) {
            try (TensorScope scope = backend.openScope()) {
                Tensor tile = scope.allocate(
                        product.weight().prepend(1), product.outputs().dtype());
                store(tile(product, b), backend.own(tile), 0);
                backend.contractions().consume(tile, b, product.batch(), consumers);
            }
        }
    }

    @Override
    public void squaredNorms(PerSampleConvolution product, Tensor destination) {
        HeapTensor out = backend.own(destination);
        HeapChecks.floating(out, backend.own(product.outputs()));
        HeapChecks.shape(out, Shape.of(product.batch()));
        for (int b = 0; b < product.batch(); b++) {
            out.set(
                    b,
                    Arrays.stream(tile(product, b)).map(value -> value * value).sum());
        }
    }

    /** P_b. */
    private double[] tile(PerSampleConvolution product, int b) {
        HeapTensor outputs = backend.own(product.outputs());
        HeapTensor inputs = backend.own(product.inputs());
        HeapChecks.floating(outputs, inputs);
        int left = (int) outputs.shape().size(0);
        int right = (int) inputs.shape().size(0);
        HeapChecks.require(
                Math.max(left, right) % Math.min(left, right) == 0,
                "%d and %d samples do not go together",
                left,
                right);
        Channels channels = new Channels(
                product.window(),
                outputs.shape().with(0, product.batch()),
                inputs.shape().with(0, product.batch()),
                product.weight());
        double[] tile = new double[(int) product.weight().elements()];
        for (int o = 0; o < channels.out; o++) {
            for (int c = 0; c < channels.perGroup; c++) {
                int weights = channels.weights(o, c);
                int from = channels.outputs(b % left, o);
                int to = channels.inputs(b % right, o, c);
                for (Meeting meeting : channels.meetings) {
                    tile[weights + meeting.element] +=
                            outputs.get(from + meeting.output) * inputs.get(to + meeting.input);
                }
            }
        }
        return tile;
    }

    private static void store(double[] values, HeapTensor tensor, int from) {
        for (int i = 0; i < values.length; i++) {
            tensor.set(from + i, values[i]);
        }
    }

    /** An output position, an element of its window, and the input position where that lies: all row-major. */
    private record Meeting(int output, int element, int input) {}

    private static List<Meeting> meetings(Window window, Shape outputs, Shape inputs) {
        Shape kernel = shape(window.kernel());
        List<Meeting> meetings = new ArrayList<>();
        for (int output = 0; output < outputs.elements(); output++) {
            int[] t = Positions.indices(outputs, output);
            for (int element = 0; element < kernel.elements(); element++) {
                int[] k = Positions.indices(kernel, element);
                int[] input = new int[window.axes()];
                boolean inside = true;
                for (int axis = 0; axis < input.length; axis++) {
                    long position = t[axis] * window.stride().get(axis)
                            + k[axis] * window.dilation().get(axis)
                            - window.padding().get(axis);
                    inside &= 0 <= position && position < inputs.size(axis);
                    input[axis] = (int) position;
                }
                if (inside) {
                    meetings.add(new Meeting(output, element, Positions.position(inputs, input)));
                }
            }
        }
        return meetings;
    }

    private static Shape shape(List<Long> sizes) {
        return Shape.of(sizes.stream().mapToLong(Long::longValue).toArray());
    }

    /** The sizes of a convolution, and where channels start. */
    private static final class Channels {

        final int batch;
        final int out;
        final int in;
        final int perGroup;
        final int outputs;
        final int inputs;
        final List<Meeting> meetings;
        private final int elements;
        private final int outPerGroup;

        Channels(Window window, Shape outputs, Shape inputs, Shape weight) {
            int rank = 2 + window.axes();
            HeapChecks.require(
                    outputs.rank() == rank && inputs.rank() == rank && weight.rank() == rank,
                    "A window over %d axes meets shapes %s, %s and %s",
                    window.axes(),
                    outputs,
                    inputs,
                    weight);
            HeapChecks.require(outputs.size(0) == inputs.size(0), "Batches of %s and %s differ", outputs, inputs);
            HeapChecks.require(
                    outputs.size(1) == weight.size(0) && weight.dropFirst(2).equals(shape(window.kernel())),
                    "Weights of shape %s do not fit %s and %s",
                    weight,
                    outputs,
                    window);
            batch = (int) inputs.size(0);
            out = (int) weight.size(0);
            in = (int) inputs.size(1);
            perGroup = (int) weight.size(1);
            int groups = perGroup == 0 ? 1 : in / perGroup;
            HeapChecks.require(
                    groups * perGroup == in && groups > 0 && out % groups == 0,
                    "Weights of shape %s make no groups of inputs %s",
                    weight,
                    inputs);
            outPerGroup = out / groups;
            elements = (int) window.elements();
            this.outputs = (int) window.spatial(outputs).elements();
            this.inputs = (int) window.spatial(inputs).elements();
            meetings = meetings(window, window.spatial(outputs), window.spatial(inputs));
        }

        /** Where the weights begin that lead from the c-th channel of its group to channel o. */
        int weights(int o, int c) {
            return (o * perGroup + c) * elements;
        }

        int outputs(int b, int o) {
            return (b * out + o) * outputs;
        }

        /** Where the c-th channel of the group of o begins. */
        int inputs(int b, int o, int c) {
            return (b * in + o / outPerGroup * perGroup + c) * inputs;
        }
    }

    /** The sizes of an unfolded input {@code [B, G, S, C/G · K]}. */
    private static final class Columns {

        final int planes;
        final int inputs;
        final List<Meeting> meetings;
        private final int perGroup;
        private final int positions;
        private final int elements;

        Columns(Window window, HeapTensor image, List<Long> outputSizes, HeapTensor unfolded) {
            HeapChecks.require(
                    image.shape().rank() == 2 + window.axes()
                            && outputSizes.size() == window.axes()
                            && unfolded.shape().rank() == 4,
                    "%s, %s, %s and %s do not go together",
                    window,
                    image,
                    outputSizes,
                    unfolded);
            HeapChecks.floating(image, unfolded);
            HeapChecks.apart(image, unfolded);
            Shape out = shape(outputSizes);
            Shape in = window.spatial(image.shape());
            int groups = (int) unfolded.shape().size(1);
            perGroup = (int) image.shape().size(1) / groups;
            positions = (int) out.elements();
            elements = (int) window.elements();
            HeapChecks.require(perGroup * groups == image.shape().size(1), "%s has no %d groups", image, groups);
            HeapChecks.shape(unfolded, Shape.of(image.shape().size(0), groups, positions, (long) perGroup * elements));
            planes = (int) image.shape().elements(0, 2);
            inputs = (int) in.elements();
            meetings = meetings(window, out, in);
        }

        /** Where an input of the plane (sample, group, channel) goes. */
        int place(int plane, Meeting meeting) {
            int channel = plane % perGroup;
            int group = plane / perGroup;
            return ((group * positions + meeting.output) * perGroup + channel) * elements + meeting.element;
        }
    }
}
