// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.GuardedMemory;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A random convolution or pooling with its results by plain loops in double precision. All numbers of the loops lie
 * channels last, weights row-major.
 */
final class WindowTrials {

    private static final long MOST_WORK = 1_500_000;

    final int batch;
    final int groups;
    final int inputs;
    final int outputs;
    final int[] in;
    final int[] out;
    final Window window;

    WindowTrials(int batch, int groups, int inputs, int outputs, int[] in, int[] out, Window window) {
        this.batch = batch;
        this.groups = groups;
        this.inputs = inputs;
        this.outputs = outputs;
        this.in = in;
        this.out = out;
        this.window = window;
    }

    /** Sizes that a user may ask for; with channels that pass through one by one for a pooling. */
    static WindowTrials random(Random random, boolean pooling) {
        for (; ; ) {
            int axes = TrialNumbers.one(random, 1, 2, 2, 2, 3);
            int groups = pooling || random.nextInt(3) > 0 ? 1 : TrialNumbers.one(random, 1, 2, 3, 5, 8, 16, 17, 33);
            boolean single = random.nextInt(3) == 0;
            int perGroup = single ? 1 : TrialNumbers.size(random, 70);
            int outputs = random.nextInt(4) == 0 ? 1 : TrialNumbers.size(random, 70);
            int[] in = new int[axes];
            int[] out = new int[axes];
            List<Long> kernel = new ArrayList<>();
            List<Long> stride = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            List<Long> dilation = new ArrayList<>();
            boolean possible = true;
            boolean wide = random.nextInt(6) == 0;
            for (int axis = 0; axis < axes; axis++) {
                in[axis] = TrialNumbers.size(random, axes == 1 ? 300 : axes == 2 ? 40 : 12);
                int size = wide ? 1 + random.nextInt(13) : TrialNumbers.one(random, 1, 1, 2, 3, 3, 4, 5, 7, 11);
                int step = TrialNumbers.one(random, 1, 1, 1, 2, 2, 3, 4, 5, 7, 13);
                int spread = wide ? 1 + random.nextInt(9) : TrialNumbers.one(random, 1, 1, 1, 1, 2, 3, 5);
                int reach = (size - 1) * spread + 1;
                int pad = random.nextInt(2) == 0 ? 0 : random.nextInt(pooling ? size / 2 + 1 : reach + 1);
                int room = in[axis] + 2 * pad - reach;
                possible &= room >= 0;
                // a step beyond the end, as pooling in ceil mode takes it
                boolean beyond = pooling && random.nextInt(4) == 0 && room % step != 0;
                out[axis] = Math.max(0, room) / step + 1 + (beyond ? 1 : 0);
                // outputs that a transposed convolution leaves out do not count
                possible &= !beyond || (long) (out[axis] - 1) * step < in[axis] + pad;
                kernel.add((long) size);
                stride.add((long) step);
                padding.add((long) pad);
                dilation.add((long) spread);
            }
            var trials = new WindowTrials(
                    TrialNumbers.one(random, 1, 1, 2, 3, 4, 7, 16, 17),
                    groups,
                    groups * perGroup,
                    pooling ? groups * perGroup : groups * outputs,
                    in,
                    out,
                    new Window(kernel, stride, padding, dilation));
            if (possible && trials.isSmall()) {
                return trials;
            }
        }
    }

    private boolean isSmall() {
        long inputElements = (long) batch * inputs * product(in);
        long outputElements = (long) batch * outputs * product(out);
        long most = GuardedMemory.CAPACITY / 2 / Float.BYTES;
        return outputElements * (inputs / groups) * window.elements() <= MOST_WORK
                && inputElements <= most
                && outputElements <= most
                && (long) outputs * inputs / groups * window.elements() <= most;
    }

    static int product(int[] sizes) {
        int product = 1;
        for (int size : sizes) {
            product *= size;
        }
        return product;
    }

    Shape inputShape() {
        return shape(inputs, in);
    }

    Shape outputShape() {
        return shape(outputs, out);
    }

    Shape weightShape() {
        Shape shape = Shape.of(outputs, inputs / groups);
        for (long size : window.kernel()) {
            shape = shape.append(size);
        }
        return shape;
    }

    private Shape shape(int channels, int[] spatial) {
        Shape shape = Shape.of(batch, channels);
        for (int size : spatial) {
            shape = shape.append(size);
        }
        return shape;
    }

    ConvolutionSizes sizes() {
        return ConvolutionSizes.of(window, batch, inputShape(), outputShape(), weightShape());
    }

    @Override
    public String toString() {
        return "%s -> %s, groups %d, kernel %s, stride %s, padding %s, dilation %s"
                .formatted(
                        inputShape(),
                        outputShape(),
                        groups,
                        window.kernel(),
                        window.stride(),
                        window.padding(),
                        window.dilation());
    }

    /** What visits every pair of an input and an output element that meet. */
    interface Visitor {
        /** Places of an input, a weight and an output, within the whole batch. */
        void meet(int input, int weight, int output);
    }

    /** Visits them all, an output's one after the other. */
    void visit(Visitor visitor) {
        int elements = (int) window.elements();
        int perGroup = inputs / groups;
        int outPositions = product(out);
        int inPositions = product(in);
        for (int position = 0; position < outPositions; position++) {
            for (int element = 0; element < elements; element++) {
                int from = input(position, element);
                if (from < 0) {
                    continue;
                }
                for (int n = 0; n < batch; n++) {
                    for (int o = 0; o < outputs; o++) {
                        int group = o / (outputs / groups);
                        int output = (n * outPositions + position) * outputs + o;
                        int input = (n * inPositions + from) * inputs + group * perGroup;
                        for (int c = 0; c < perGroup; c++) {
                            visitor.meet(input + c, (o * perGroup + c) * elements + element, output);
                        }
                    }
                }
            }
        }
    }

    /** The position in the input that an element of the window of an output sees; negative for padding. */
    int input(int position, int element) {
        int place = 0;
        int scale = 1;
        for (int axis = in.length - 1; axis >= 0; axis--) {
            int kernel = window.kernel().get(axis).intValue();
            int t = position % out[axis];
            position /= out[axis];
            int k = element % kernel;
            element /= kernel;
            long at = t * window.stride().get(axis)
                    + k * window.dilation().get(axis)
                    - window.padding().get(axis);
            if (at < 0 || at >= in[axis]) {
                return -1;
            }
            place += (int) at * scale;
            scale *= in[axis];
        }
        return place;
    }

    float[] randomInputs(Random random) {
        return TrialNumbers.numbers(random, (long) batch * inputs * product(in));
    }

    float[] randomOutputs(Random random) {
        return TrialNumbers.numbers(random, (long) batch * outputs * product(out));
    }

    float[] randomWeights(Random random) {
        return TrialNumbers.numbers(random, weightShape().elements());
    }
}
