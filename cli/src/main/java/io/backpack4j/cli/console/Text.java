// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import java.util.Locale;

/** How values are written. */
public final class Text {

    /** Says yes. */
    public static final String TICK = Terminal.charset().newEncoder().canEncode('\u2713') ? "\u2713" : "yes";

    private Text() {}

    /** Formats the same way everywhere. */
    public static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    /** Four significant digits. */
    public static String number(double value) {
        if (value == 0) {
            return "0";
        }
        double magnitude = Math.abs(value);
        return format(magnitude >= 1e-3 && magnitude < 1e4 ? "%.4g" : "%.3e", value);
    }

    /** Milliseconds. */
    public static String milliseconds(double value) {
        return format("%.2f ms", value);
    }

    /** The name of a type or a mode on the command line and in files. */
    public static String of(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
