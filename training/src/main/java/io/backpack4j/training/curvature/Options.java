// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.extension.CurvatureExtension;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** How options of command lines are read. */
final class Options {

    private Options() {}

    static int count(Arguments options, String name, int otherwise) {
        long value = options.integer(name, otherwise);
        if (value != (int) value) {
            throw options.wrong(name, "a number of steps", value);
        }
        return (int) value;
    }

    static OptionalDouble optional(Arguments options, String name) {
        return options.has(name) ? OptionalDouble.of(options.number(name)) : OptionalDouble.empty();
    }

    /** What {@link #curvature} makes the same extension of. */
    static Map<String, @Nullable Object> arguments(CurvatureExtension<?> curvature) {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("curvature", curvature.type());
        if (curvature.getClass().isRecord()) {
            arguments.putAll(RecordArguments.of(curvature, curvature.type()));
        }
        return arguments;
    }

    /**
     * The curvature that {@code curvature=} names. It gets all options that were not asked for before: ask for the
     * optimiser's own first.
     *
     * @param otherwise its type if none is named
     */
    static CurvatureExtension<?> curvature(Arguments options, Catalog catalog, String otherwise) {
        Object type = options.has("curvature") ? options.value("curvature") : otherwise;
        if (!(type instanceof String name)) {
            throw options.wrong("curvature", "the name of an extension, such as KFAC", type);
        }
        Map<String, @Nullable Object> own = new HashMap<>();
        for (String option : options.unasked()) {
            own.put(option, options.value(option));
        }
        if (catalog.extension(name, own) instanceof CurvatureExtension<?> curvature) {
            return curvature;
        }
        throw options.wrong(
                "curvature",
                "an extension whose results are blocks of a curvature, such as DiagGGNExact or KFAC",
                name);
    }
}
