package io.backpack4j.modules.conv;

import io.backpack4j.spi.Arguments;
import java.util.List;

/** Reads numbers per spatial axis. */
final class WindowArguments {

    private WindowArguments() {}

    /** Numbers of at least 1 that have to be there. */
    static List<Long> required(Arguments arguments, String name, int axes) {
        arguments.integers(name);
        return atLeast(arguments, name, axes, 1, 1);
    }

    /** Numbers of at least {@code least}. */
    static List<Long> atLeast(Arguments arguments, String name, int axes, long otherwise, long least) {
        List<Long> values = arguments.integers(name, axes, otherwise);
        if (values.stream().anyMatch(value -> value < least)) {
            throw arguments.wrong(name, "at least " + least, arguments.value(name));
        }
        return values;
    }
}
