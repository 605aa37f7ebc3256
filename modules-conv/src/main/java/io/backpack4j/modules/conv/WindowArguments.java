// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.backend.Window;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

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

    /** The arguments of a window, by their names in a model file. */
    static Map<String, @Nullable Object> of(Window window) {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("kernel_size", window.kernel());
        arguments.put("stride", window.stride());
        arguments.put("padding", window.padding());
        arguments.put("dilation", window.dilation());
        return arguments;
    }
}
