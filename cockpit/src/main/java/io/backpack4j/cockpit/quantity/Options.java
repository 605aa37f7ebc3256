// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.spi.Arguments;
import java.util.List;

/** Options that several quantities have. */
final class Options {

    private Options() {}

    /** The option {@code schedule}: every step if it is not given. */
    static Schedule schedule(Arguments options) {
        if (!options.has("schedule")) {
            return Schedule.always();
        }
        Object given = options.value("schedule");
        if (given instanceof ExtensionExpression call) {
            return Schedule.of(call);
        }
        throw options.wrong("schedule", "a schedule such as linear(interval=3,offset=1)", given);
    }

    static double atLeastZero(Arguments options, String name, double otherwise) {
        double value = options.number(name, otherwise);
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw options.wrong(name, "a number of at least 0", value);
        }
        return value;
    }

    /** A number between 0 and 1. */
    static double share(Arguments options, String name, double otherwise) {
        double value = options.number(name, otherwise);
        if (!(value > 0 && value < 1)) {
            throw options.wrong(name, "a number between 0 and 1", value);
        }
        return value;
    }

    /** A list of patterns of names; empty if it is not given. */
    static List<String> patterns(Arguments options, String name) {
        return options.has(name)
                ? options.list(name).stream().map(String::valueOf).toList()
                : List.of();
    }

    static int count(Arguments options, String name, int otherwise, int most) {
        long value = options.integer(name, otherwise);
        if (value < 1 || value > most) {
            throw options.wrong(name, "a whole number from 1 to " + most, value);
        }
        return (int) value;
    }

    /** A list of two numbers, the second larger. */
    static Range range(Arguments options, String name, Object given) {
        if (given instanceof List<?> list
                && list.size() == 2
                && list.get(0) instanceof Number low
                && list.get(1) instanceof Number high
                && low.doubleValue() < high.doubleValue()) {
            return new Range(low.doubleValue(), high.doubleValue());
        }
        throw options.wrong(name, "two numbers [low,high], the second larger", given);
    }

    /** A list of two of anything. */
    static List<?> pair(Arguments options, String name, String what) {
        Object given = options.value(name);
        if (given instanceof List<?> list && list.size() == 2) {
            return list;
        }
        throw options.wrong(name, "a list of two " + what + ", of gradients and of parameters", given);
    }
}
