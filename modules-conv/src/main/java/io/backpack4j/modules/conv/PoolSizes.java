// SPDX-License-Identifier: Apache-2.0
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
     * How many windows there are per axis. In ceil mode a last one may reach over the end, as long as it begins inside
     * the input or the padding before it.
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
        long blind = blindWindow(window, axis, sample.size(axis + 1), count);
        if (blind >= 0) {
            throw ModuleChecks.mismatch(
                    module,
                    "has kernel_size %s, stride %s, padding %s and dilation %s, so window %d along axis %d of samples of shape %s holds padding only. Possible are less padding or dilation, or ceil_mode=false."
                            .formatted(
                                    window.kernel(),
                                    window.stride(),
                                    window.padding(),
                                    window.dilation(),
                                    blind,
                                    axis + 2,
                                    sample));
        }
    }

    /** Whether every window meets the input. */
    static boolean seeInputs(Window window, Shape input, Shape output) {
        for (int axis = 0; axis < window.axes(); axis++) {
            if (blindWindow(window, axis, input.size(axis + 1), output.size(axis + 1)) >= 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * The first window that sees padding only, −1 if there is none. A window that begins inside the input sees it, so
     * only those that begin before need a look: sizes may be as large as a file claims.
     */
    private static long blindWindow(Window window, int axis, long size, long count) {
        long stride = window.stride().get(axis);
        long padding = window.padding().get(axis);
        long dilation = window.dilation().get(axis);
        for (long output = 0; output < count && output * stride < padding; output++) {
            long before = padding - output * stride;
            long firstInside = (before + dilation - 1) / dilation;
            if (firstInside >= window.kernel().get(axis) || firstInside * dilation - before >= size) {
                return output;
            }
        }
        long behind = (size + padding + stride - 1) / stride;
        return behind < count ? behind : -1;
    }
}
