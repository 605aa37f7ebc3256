package io.backpack4j.backend.cpu;

import io.backpack4j.spi.backend.Window;
import java.util.Arrays;

/** Copies what lies under windows, from planes whose channels lie last: one reorder per element of the window. */
final class WindowInputs {

    private WindowInputs() {}

    /** Whether some windows reach beyond the input. What belongs there is not written. */
    static boolean reachBeyond(WindowSizes sizes) {
        for (int axis = 0; axis < sizes.axes(); axis++) {
            if (sizes.left[axis] > 0 || sizes.right[axis] > 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Copies. Returns whether oneDNN can: it knows no strides that step over the end of a row.
     *
     * @param inputs the address of the samples, channels last
     * @param unfolded the address of the first element of the window
     * @param layout how one element of the window lies there, {@code [n, C, *out]}
     * @param elementStep how many numbers lie between neighbouring elements of the window
     */
    static boolean unfold(
            DnnlContext context,
            Window window,
            WindowSizes sizes,
            long inputs,
            long unfolded,
            Layout layout,
            long elementStep) {
        long channels = layout.sizes()[1];
        Layout from = sizes.inputs(channels);
        int rank = from.sizes().length;
        for (long element = 0; element < window.elements(); element++) {
            long[] box = from.sizes().clone();
            long[] steps = from.strides().clone();
            long source = inputs;
            long target = unfolded + element * elementStep * Float.BYTES;
            long rest = element;
            for (int axis = window.axes() - 1; axis >= 0; axis--) {
                long k = rest % window.kernel().get(axis);
                rest /= window.kernel().get(axis);
                Window.Overlap overlap = window.overlap(axis, k, sizes.input[axis], sizes.output[axis]);
                box[axis + 2] = overlap.count();
                steps[axis + 2] *= sizes.stride[axis];
                source += overlap.firstInput() * from.strides()[axis + 2] * Float.BYTES;
                target += overlap.firstOutput() * layout.strides()[axis + 2] * Float.BYTES;
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
                Layout at = new Layout(box, layout.strides());
                DnnlPrimitive copy = context.get(
                        context.key(DnnlKind.UNFOLD).add(box).add(steps).add(at.strides()),
                        Cost.elements(sizes.batch * channels * sizes.outputPositions()),
                        () -> DnnlRecipes.reorder(of, at));
                copy.at(0, source).at(1, target).run(context);
            }
        }
        return true;
    }
}
