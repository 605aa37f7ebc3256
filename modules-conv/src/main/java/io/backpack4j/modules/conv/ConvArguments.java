// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.backend.Window;
import java.util.List;
import java.util.Set;

/** Reads convolutions. */
final class ConvArguments {

    private static final Set<String> MODES = Set.of("zeros", "reflect", "replicate", "circular");
    private static final Set<String> ONLY_ZEROS = Set.of("zeros");

    private ConvArguments() {}

    static Conv conv(Arguments arguments, int axes) {
        boolean same = false;
        List<Long> padding = Spatial.each(axes, 0);
        Object given = arguments.value("padding");
        if (given instanceof String word) {
            same = word.equals("same");
            if (!same && !word.equals("valid")) {
                throw arguments.wrong("padding", "'same', 'valid', one integer or a list of %d".formatted(axes), given);
            }
        } else {
            padding = WindowArguments.atLeast(arguments, "padding", axes, 0, 0);
        }
        Window window = window(arguments, axes, padding);
        // Of no padding at all it does not matter with what: PyTorch's modes agree.
        boolean padded = same
                ? window.kernel().stream().anyMatch(size -> size != 1)
                : padding.stream().anyMatch(size -> size != 0);
        checkMode(arguments, padded ? ONLY_ZEROS : MODES);
        Conv conv = new Conv(
                arguments.integer("in_channels"),
                arguments.integer("out_channels"),
                window,
                window.padding(),
                arguments.integer("groups", 1),
                arguments.flag("bias", true));
        return same ? conv.withSamePadding() : conv;
    }

    static ConvTranspose convTranspose(Arguments arguments, int axes) {
        checkMode(arguments, ONLY_ZEROS);
        return new ConvTranspose(
                arguments.integer("in_channels"),
                arguments.integer("out_channels"),
                window(arguments, axes, WindowArguments.atLeast(arguments, "padding", axes, 0, 0)),
                WindowArguments.atLeast(arguments, "output_padding", axes, 0, 0),
                arguments.integer("groups", 1),
                arguments.flag("bias", true));
    }

    private static void checkMode(Arguments arguments, Set<String> possible) {
        Object mode = arguments.value("padding_mode");
        if (mode != null && !possible.contains(mode)) {
            throw arguments.wrong(
                    "padding_mode",
                    "'zeros', because other modes are not supported. Pad the data beforehand and set padding to 0, or use 'zeros'",
                    mode);
        }
    }

    private static Window window(Arguments arguments, int axes, List<Long> padding) {
        return new Window(
                WindowArguments.required(arguments, "kernel_size", axes),
                WindowArguments.atLeast(arguments, "stride", axes, 1, 1),
                padding,
                WindowArguments.atLeast(arguments, "dilation", axes, 1, 1));
    }
}
