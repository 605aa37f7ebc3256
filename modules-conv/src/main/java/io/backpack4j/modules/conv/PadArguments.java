// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.Arguments;
import java.util.List;

/** Reads padding. */
final class PadArguments {

    private static final String PADDING = "padding";

    private PadArguments() {}

    static Pad pad(Arguments arguments) {
        Object mode = arguments.value("mode");
        if (mode != null && !mode.equals("constant")) {
            throw arguments.wrong(
                    "mode",
                    "'constant', because other modes are not supported. Pad the data beforehand, or use 'constant'",
                    mode);
        }
        List<Long> padding = arguments.integers(PADDING);
        if (padding.isEmpty() || padding.size() % 2 != 0) {
            throw arguments.wrong(
                    PADDING,
                    "a list of pairs: before and behind the last axis, then the one before it",
                    arguments.value(PADDING));
        }
        return new Pad(padding, arguments.number("value", 0));
    }

    /** Padding of a given number of axes; a single integer stands for all sides. */
    static Pad fixed(String type, Arguments arguments, int axes, double value) {
        arguments.integers(PADDING);
        return new Pad(type, arguments.integers(PADDING, 2 * axes, 0), value);
    }
}
