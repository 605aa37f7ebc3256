// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.spi.backend.Window;
import java.util.Arrays;

/**
 * Copies the inputs under windows, channels last: an unfolded row {@code [K · C]} holds element after element of the
 * window, each with all channels.
 */
final class WindowInputs {

    private WindowInputs() {}

    /** Whether windows reach beyond the input. What belongs there is not written. */
    static boolean reachBeyond(WindowSizes sizes) {
        for (int axis = 0; axis < sizes.axes(); axis++) {
            if (sizes.left[axis] > 0 || sizes.right[axis] > 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Writes the inputs under every window. Returns whether oneDNN can: it knows no strides that step over the end of a
     * row.
     *
     * @param inputs the address of the samples, channels last
     * @param unfolded the address of {@code [n, S, K · C]}
     * @param rounded whether they are rounded on the way
     */
    static boolean unfold(
            DnnlContext context,
            Window window,
            WindowSizes sizes,
            long inputs,
            long channels,
            long unfolded,
            boolean rounded) {
        long elements = window.elements();
        long bytes = rounded ? Rounding.BYTES : Float.BYTES;
        Layout from = sizes.inputs(channels);
        Layout to = sizes.outputs(channels * elements);
        for (long element = 0; element < elements; element++) {
            int rank = from.sizes().length;
            long[] box = from.sizes().clone();
            long[] steps = from.strides().clone();
            long source = inputs;
            long target = unfolded + element * channels * bytes;
            long rest = element;
            for (int axis = window.axes() - 1; axis >= 0; axis--) {
                long k = rest % window.kernel().get(axis);
                rest /= window.kernel().get(axis);
                Window.Overlap overlap = window.overlap(axis, k, sizes.input[axis], sizes.output[axis]);
                box[axis + 2] = overlap.count();
                steps[axis + 2] *= sizes.stride[axis];
                source += overlap.firstInput() * from.strides()[axis + 2] * Float.BYTES;
                target += overlap.firstOutput() * to.strides()[axis + 2] * bytes;
            }
            if (Arrays.stream(box).allMatch(size -> size > 0)) {
                for (int axis = 2; axis + 1 < rank; axis++) {
                    if (steps[axis] < box[axis + 1] * steps[axis + 1]) {
                        return false;
                    }
                }
                if (steps[0] < box[2] * steps[2]) {
                    return false;
                }
                Layout of = new Layout(box, steps);
                Layout at = new Layout(box, Arrays.copyOf(to.strides(), rank), rounded);
                DnnlPrimitive copy = context.get(
                        context.key(DnnlKind.UNFOLD)
                                .add(box)
                                .add(steps)
                                .add(at.strides())
                                .add(rounded ? 1 : 0),
                        Cost.elements(sizes.batch * sizes.outputPositions() * channels),
                        () -> DnnlRecipes.reorder(of, at));
                copy.at(0, source).at(1, target).run(context);
            }
        }
        return true;
    }
}
