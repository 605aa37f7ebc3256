// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;

/**
 * The sizes of a window that slides over a batch of planes, as oneDNN wants them. What the last windows reach behind
 * the input follows from the output's size.
 */
public final class WindowSizes {

    /** oneDNN has one to three spatial axes. */
    private static final int MOST_AXES = 3;

    /**
     * oneDNN counts bytes in 32 bits, and reads elsewhere for numbers far beyond the input's size: these are left to
     * others.
     */
    private static final long MANY = 1 << 12;

    final long batch;
    final long[] input;
    final long[] output;
    final long[] kernel;
    final long[] stride;

    /** Counted as oneDNN does: 0 for neighbours. */
    final long[] dilation;

    final long[] left;
    final long[] right;

    private WindowSizes(WindowSizes sizes, long batch) {
        this.batch = batch;
        input = sizes.input;
        output = sizes.output;
        kernel = sizes.kernel;
        stride = sizes.stride;
        dilation = sizes.dilation;
        left = sizes.left;
        right = sizes.right;
    }

    private WindowSizes(Window window, long batch, Shape input, Shape output) {
        this.batch = batch;
        this.input = input.toArray();
        this.output = output.toArray();
        int axes = window.axes();
        kernel = new long[axes];
        stride = new long[axes];
        dilation = new long[axes];
        left = new long[axes];
        right = new long[axes];
        for (int axis = 0; axis < axes; axis++) {
            kernel[axis] = window.kernel().get(axis);
            dilation[axis] = window.dilation().get(axis) - 1;
            left[axis] = window.padding().get(axis);
            stride[axis] = stride(window, axis);
            long reach = (this.output[axis] - 1) * stride[axis] + window.reach(axis);
            long needed = reach - this.input[axis] - left[axis];
            // a remainder that no window reaches
            right[axis] = Math.max(needed, Math.min(0, needed + stride[axis] - 1));
        }
    }

    /**
     * The step of a single window only says that there is no second one. It is the smallest that leaves room for none,
     * 1 where the window reaches the input's end: oneDNN's 32 bits must hold it, and its kernels for steps of 1 are the
     * better ones.
     */
    private long stride(Window window, int axis) {
        long unreached = input[axis] + left[axis] - window.reach(axis);
        return output[axis] == 1 ? Math.max(1, unreached + 1) : window.stride().get(axis);
    }

    /**
     * Sizes.
     *
     * @param batch the number of planes per channel
     * @param inputs {@code [*, C, *in]}
     * @param outputs {@code [*, O, *out]}
     */
    static WindowSizes of(Window window, long batch, Shape inputs, Shape outputs) {
        return new WindowSizes(window, batch, window.spatial(inputs), window.spatial(outputs));
    }

    /** The same with another number of planes per channel. */
    WindowSizes of(long samples) {
        return samples == batch ? this : new WindowSizes(this, samples);
    }

    int axes() {
        return kernel.length;
    }

    /** Whether oneDNN can express it. */
    boolean isExpressible() {
        boolean possible = axes() <= MOST_AXES && batch > 0;
        for (int axis = 0; axis < axes(); axis++) {
            possible &= input[axis] > 0 && output[axis] > 0 && right[axis] >= 0;
            possible = possible && isNearInput(axis) && windowsMeetInput(axis);
        }
        return possible;
    }

    private boolean isNearInput(int axis) {
        long most = Math.max(MANY, input[axis]);
        return left[axis] <= most && right[axis] <= most && kernel[axis] * (dilation[axis] + 1) <= 2 * most;
    }

    /** Whether every window has an element inside the input: oneDNN 3.11 reads address 0 for one that has none. */
    private boolean windowsMeetInput(int axis) {
        for (long t = 0; t < output[axis]; t++) {
            boolean meets = false;
            for (long k = 0; k < kernel[axis] && !meets; k++) {
                long position = t * stride[axis] + k * (dilation[axis] + 1) - left[axis];
                meets = position >= 0 && position < input[axis];
            }
            if (!meets) {
                return false;
            }
        }
        return true;
    }

    /** A batch of planes with that many channels, channels last, on the input's side. */
    Layout inputs(long channels) {
        return channelsLast(batch, channels, input);
    }

    /** The same on the output's side. */
    Layout outputs(long channels) {
        return channelsLast(batch, channels, output);
    }

    long inputPositions() {
        return product(input);
    }

    long outputPositions() {
        return product(output);
    }

    /** Number of elements of the window. */
    long elements() {
        return product(kernel);
    }

    /** Which input position every element of the window reads at every output position; -1 for padding. */
    int[][] reads() {
        int[][] reads = new int[(int) elements()][(int) outputPositions()];
        for (int element = 0; element < reads.length; element++) {
            for (int position = 0; position < reads[element].length; position++) {
                reads[element][position] = read(element, position);
            }
        }
        return reads;
    }

    private int read(int element, int position) {
        long k = element;
        long t = position;
        long place = 0;
        long step = 1;
        for (int axis = axes() - 1; axis >= 0; axis--) {
            long i = t % output[axis] * stride[axis] + k % kernel[axis] * (dilation[axis] + 1) - left[axis];
            if (i < 0 || i >= input[axis]) {
                return -1;
            }
            place += i * step;
            step *= input[axis];
            k /= kernel[axis];
            t /= output[axis];
        }
        return (int) place;
    }

    private static long product(long[] sizes) {
        long product = 1;
        for (long size : sizes) {
            product *= size;
        }
        return product;
    }

    PrimitiveKey addTo(PrimitiveKey key) {
        return key.add(batch)
                .add(input)
                .add(output)
                .add(kernel)
                .add(stride)
                .add(dilation)
                .add(left);
    }

    private static Layout channelsLast(long batch, long channels, long[] spatial) {
        int rank = spatial.length + 2;
        long[] sizes = new long[rank];
        long[] strides = new long[rank];
        sizes[0] = batch;
        sizes[1] = channels;
        strides[1] = 1;
        long step = channels;
        for (int axis = rank - 1; axis >= 2; axis--) {
            sizes[axis] = spatial[axis - 2];
            strides[axis] = step;
            step *= sizes[axis];
        }
        strides[0] = step;
        return new Layout(sizes, strides);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof WindowSizes sizes
                && batch == sizes.batch
                && Arrays.equals(input, sizes.input)
                && Arrays.equals(output, sizes.output)
                && Arrays.equals(kernel, sizes.kernel)
                && Arrays.equals(stride, sizes.stride)
                && Arrays.equals(dilation, sizes.dilation)
                && Arrays.equals(left, sizes.left);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(batch) + 31 * (Arrays.hashCode(input) + 31 * Arrays.hashCode(output));
    }
}
