// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;

/**
 * The sizes of a convolution.
 *
 * @param windows the windows and the batch
 * @param groups G
 * @param inputs C, the input channels of all groups
 * @param outputs O, the output channels of all groups
 * @param rounded whether its operands are bfloat16; results are of single precision
 */
record ConvolutionSizes(WindowSizes windows, long groups, long inputs, long outputs, boolean rounded) {

    /** Of one plane per channel in {@code batch} samples; the weight has the shape {@code [O, C/G, *kernel]}. */
    static ConvolutionSizes of(Window window, long batch, Shape inputs, Shape outputs, Shape weight) {
        long channels = inputs.size(1);
        long groups = weight.size(1) == 0 ? 0 : channels / weight.size(1);
        WindowSizes windows = WindowSizes.of(window, batch, inputs, outputs);
        return new ConvolutionSizes(windows, groups, channels, weight.size(0), false);
    }

    /** The same with rounded operands, or without. */
    ConvolutionSizes rounded(boolean rounds) {
        return new ConvolutionSizes(windows, groups, inputs, outputs, rounds);
    }

    /**
     * Whether rounding operands pays. With several groups, few elements meet: those kernels wait for memory instead.
     */
    boolean paysRounding(DnnlContext context) {
        double multiplications = (double) windows.batch * windows.outputPositions() * weightElements();
        return groups == 1
                && !DnnlFaults.roundingFails(windows)
                && Rounding.pays(
                        context, multiplications, (double) windows.batch * (inputElements() + outputElements()));
    }

    boolean isExpressible() {
        return windows.isExpressible() && groups > 0 && outputs > 0;
    }

    Layout inputLayout() {
        return windows.inputs(inputs);
    }

    Layout outputLayout() {
        return windows.outputs(outputs);
    }

    /** The weights, row-major, with an axis for the groups if there are several. */
    Layout weightLayout() {
        int axes = windows.axes();
        int first = groups == 1 ? 0 : 1;
        long[] sizes = new long[first + 2 + axes];
        sizes[0] = groups;
        sizes[first] = outputs / groups;
        sizes[first + 1] = inputs / groups;
        System.arraycopy(windows.kernel, 0, sizes, first + 2, axes);
        return Layout.dense(sizes);
    }

    long weightElements() {
        long elements = outputs * (inputs / groups);
        for (long size : windows.kernel) {
            elements *= size;
        }
        return elements;
    }

    long inputElements() {
        return inputs * windows.inputPositions();
    }

    long outputElements() {
        return outputs * windows.outputPositions();
    }

    /** About the time of one convolution on one thread. */
    double cost() {
        return Cost.product(outputs, windows.batch * windows.outputPositions(), weightElements() / outputs);
    }

    PrimitiveKey key(DnnlContext context, DnnlKind kind) {
        return windows.addTo(
                context.key(kind).add(groups).add(inputs).add(outputs).add(rounded ? 1 : 0));
    }
}
