package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** PyTorch's rules for windows that pool. */
final class PoolSizes {

    private PoolSizes() {}

    /** A window that steps by its own size, without padding. */
    static Window window(int axes, long... kernel) {
        Window window = Convolving.window(axes, kernel);
        return new Window(window.kernel(), window.kernel(), window.padding(), window.dilation());
    }

    /** Padding of more than half a window would allow windows that see nothing. */
    static void checkPadding(String type, Window window) {
        for (int axis = 0; axis < window.axes(); axis++) {
            if (window.padding().get(axis) > window.kernel().get(axis) / 2) {
                throw ModuleChecks.invalid(
                        type,
                        "padding",
                        window.padding(),
                        "at most half of kernel_size = %s, rounded down".formatted(window.kernel()));
            }
        }
    }

    /**
     * How many windows there are per axis. In ceil mode a last one may reach over the end, as long as it begins inside the input or the
     * padding before it.
     *
     * @param sample {@code [C, *in]}
     */
    static List<Long> outputs(Module module, Window window, boolean ceilMode, Shape sample) {
        List<Long> outputs = new ArrayList<>();
        for (int axis = 0; axis < window.axes(); axis++) {
            long in = sample.size(axis + 1);
            long stride = window.stride().get(axis);
            long padding = window.padding().get(axis);
            long steps = in + 2 * padding - window.reach(axis) + (ceilMode ? stride - 1 : 0);
            long count = Math.floorDiv(steps, stride) + 1;
            if (ceilMode && (count - 1) * stride >= in + padding) {
                count--;
            }
            if (in < 1 || count < 1) {
                throw Checks.windowTooLarge(module, window, axis, sample, in + 2 * padding);
            }
            requireInputs(module, window, axis, sample, count);
            outputs.add(count);
        }
        return outputs;
    }

    private static void requireInputs(Module module, Window window, int axis, Shape sample, long count) {
        for (long output = 0; output < count; output++) {
            if (!seesInput(window, axis, output, sample.size(axis + 1))) {
                throw ModuleChecks.mismatch(
                        module,
                        "has kernel_size %s, stride %s, padding %s and dilation %s, so window %d along axis %d of samples of shape %s holds padding only. Possible are less padding or dilation, or ceil_mode=false."
                                .formatted(
                                        window.kernel(),
                                        window.stride(),
                                        window.padding(),
                                        window.dilation(),
                                        output,
                                        axis + 2,
                                        sample));
            }
        }
    }

    /** Whether every window meets the input. */
    static boolean seeInputs(Window window, Shape input, Shape output) {
        for (int axis = 0; axis < window.axes(); axis++) {
            for (long t = 0; t < output.size(axis + 1); t++) {
                if (!seesInput(window, axis, t, input.size(axis + 1))) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean seesInput(Window window, int axis, long output, long size) {
        long first = output * window.stride().get(axis) - window.padding().get(axis);
        for (long k = 0; k < window.kernel().get(axis); k++) {
            long position = first + k * window.dilation().get(axis);
            if (position >= 0 && position < size) {
                return true;
            }
        }
        return false;
    }
}
