// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.Arrays;

/**
 * Operations that oneDNN 3.11 computes wrongly, as random shapes against plain loops found it. The rules hold for all
 * instruction sets: what is wrong on one goes another way on all, so that results do not depend on the machine more
 * than they must.
 */
final class DnnlFaults {

    private static final long AVX2_LANES = 8;

    private DnnlFaults() {}

    /**
     * Whether a forward convolution may take elements of other rows, or from behind the input. Kernels for AVX-512 do
     * with a single input channel where one window per row does not reach the row's end, so that its step has to be
     * larger than 1. With more channels or windows, and where the window reaches the end, they are right, and so are
     * the kernels for cotangents of inputs and weights.
     */
    static boolean convolutionReadsOtherRows(ConvolutionSizes sizes) {
        WindowSizes windows = sizes.windows();
        int last = windows.axes() - 1;
        return sizes.inputs() == sizes.groups() && windows.output[last] == 1 && windows.stride[last] > 1;
    }

    /** Whether a weight gradient may be wrong, or write where it must not. */
    static boolean weightGradientFails(ConvolutionSizes sizes) {
        return losesCount(sizes.windows()) || writesBehindScratchpad(sizes);
    }

    /**
     * Whether a weight gradient, or a transpose, of rounded operands may be wrong. Kernels for bfloat16 lose elements
     * where padding is wide beside the window or the row, where windows are dilated, where there are three axes, and
     * where windows of one element skip inputs. What these have in common is not known, so that windows of common
     * networks only are left.
     */
    static boolean roundingFails(WindowSizes windows) {
        boolean ordinary = windows.axes() <= 2;
        for (int axis = 0; axis < windows.axes(); axis++) {
            long half = (windows.kernel[axis] - 1) / 2;
            ordinary &= windows.dilation[axis] == 0
                    && windows.left[axis] <= half
                    && windows.right[axis] <= half
                    && windows.input[axis] >= windows.kernel[axis]
                    && windows.stride[axis] <= windows.kernel[axis];
        }
        return !ordinary;
    }

    /**
     * Kernels of one element that skip inputs gather those that they need in a scratchpad. For AVX2 they write whole
     * vectors of channels there, and ask for room for the channels only.
     */
    private static boolean writesBehindScratchpad(ConvolutionSizes sizes) {
        WindowSizes windows = sizes.windows();
        boolean single = Arrays.stream(windows.kernel).allMatch(size -> size == 1);
        boolean skips = Arrays.stream(windows.stride).anyMatch(step -> step > 1);
        return single && skips && sizes.inputs() / sizes.groups() % AVX2_LANES != 0;
    }

    /**
     * Whether a weight gradient may take the wrong inputs where windows begin in the padding and move by more than 1.
     * Kernels for AVX-512 cut rows of more than 28 outputs into blocks of 14 or more, and count on a first block that
     * holds all windows that begin left of the row. Over three axes, they lose count of planes and lines where padding
     * is larger than a step and the first window behind it already reaches the other end.
     */
    private static boolean losesCount(WindowSizes windows) {
        int last = windows.axes() - 1;
        boolean loses = windows.stride[last] > 1 && windows.left[last] >= 14 && windows.output[last] > 28;
        for (int axis = 0; axis < last && last == 2; axis++) {
            long step = windows.stride[axis];
            long reach = (windows.kernel[axis] - 1) * (windows.dilation[axis] + 1) + 1;
            long firstBehind = Math.floorMod(-windows.left[axis], step);
            loses |= step > 1 && windows.left[axis] > step && firstBehind + reach > windows.input[axis];
        }
        return loses;
    }
}
