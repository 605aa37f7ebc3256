// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads an upsampling. */
final class UpsampleArguments {

    private static final String SIZE = "size";
    private static final String SCALE_FACTOR = "scale_factor";

    private UpsampleArguments() {}

    static Upsample read(Arguments arguments) {
        List<Long> sizes = arguments.has(SIZE) ? sizes(arguments) : null;
        List<Double> factors = arguments.has(SCALE_FACTOR) ? factors(arguments) : null;
        Upsample.Interpolation mode = Upsample.Interpolation.valueOf(
                arguments.word("mode", "nearest", "nearest", "bilinear").toUpperCase(Locale.ROOT));
        if (arguments.flag("recompute_scale_factor", false)) {
            throw arguments.wrong("recompute_scale_factor", "false; give size instead", true);
        }
        return new Upsample(sizes, factors, mode, arguments.flag("align_corners", false));
    }

    private static List<Long> sizes(Arguments arguments) {
        return arguments.value(SIZE) instanceof List<?> list
                ? arguments.integers(SIZE, list.size(), 1)
                : arguments.integers(SIZE, 1, 1);
    }

    private static List<Double> factors(Arguments arguments) {
        if (!(arguments.value(SCALE_FACTOR) instanceof List<?> list)) {
            return List.of(arguments.number(SCALE_FACTOR));
        }
        List<Double> factors = new ArrayList<>();
        for (Object entry : list) {
            if (!(entry instanceof Number number)) {
                throw arguments.wrong(SCALE_FACTOR, "a number, or one for each spatial axis", list);
            }
            factors.add(number.doubleValue());
        }
        return factors;
    }
}
