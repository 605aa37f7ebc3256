// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/** What modules with spatial axes check of their inputs. */
final class Checks {

    private static final List<String> LAYOUTS =
            List.of("[channels, length]", "[channels, height, width]", "[channels, depth, height, width]");

    private Checks() {}

    /** The only input, {@code [C, *spatial]}. */
    static Shape spatial(Module module, int axes, List<Shape> inputs) {
        Shape sample = ModuleChecks.single(module, inputs);
        if (sample.rank() != axes + 1) {
            String layout = axes <= LAYOUTS.size() ? LAYOUTS.get(axes - 1) : (axes + 1) + " axes, channels first";
            String remedy = sample.rank() == axes
                    ? "If they have one channel, give it an axis of its own: %s.".formatted(sample.prepend(1))
                    : "The axis of the batch, which comes before these, is not part of it.";
            throw ModuleChecks.mismatch(
                    module, "takes samples of shape %s, but these have shape %s. %s".formatted(layout, sample, remedy));
        }
        return sample;
    }

    /** The only input, {@code [C, *spatial]} with a given number of channels. */
    static Shape channels(Module module, int axes, String argument, long channels, List<Shape> inputs) {
        Shape sample = spatial(module, axes, inputs);
        if (sample.size(0) != channels) {
            throw ModuleChecks.mismatch(
                    module,
                    "has %s = %d, so the first axis of its input needs that size, but samples have shape %s. Change %s, or what comes before."
                            .formatted(argument, channels, sample, argument));
        }
        return sample;
    }

    /**
     * A window that is longer than an axis.
     *
     * @param size the length of the axis with its padding
     */
    static BackpackException windowTooLarge(Module module, Window window, int axis, Shape sample, long size) {
        boolean dilated = window.dilation().stream().anyMatch(step -> step > 1);
        return ModuleChecks.mismatch(
                module,
                "has kernel_size %s%s, so a window covers %d elements of axis %d, but there are %d, padding included, in samples of shape %s. Possible are a smaller %s, or more padding."
                        .formatted(
                                window.kernel(),
                                dilated ? " and dilation " + window.dilation() : "",
                                window.reach(axis),
                                axis + 2,
                                size,
                                sample,
                                dilated ? "kernel_size or dilation" : "kernel_size"));
    }
}
