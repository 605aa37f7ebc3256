// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What losses read of a model file, and complain about. */
final class LossArguments {

    private LossArguments() {}

    /** A list of numbers, or null if there is none. */
    static @Nullable List<Double> numbers(Arguments arguments, String name) {
        if (!arguments.has(name)) {
            return null;
        }
        List<Double> numbers = new ArrayList<>();
        for (Object element : arguments.list(name)) {
            if (!(element instanceof Number number)) {
                throw arguments.wrong(name, "a list of numbers", arguments.value(name));
            }
            numbers.add(number.doubleValue());
        }
        return List.copyOf(numbers);
    }

    /** An error about an argument of a loss that was made without a file. */
    static BackpackException invalid(String type, String name, @Nullable Object value, String expected) {
        return new BackpackException(
                CommonProblems.INVALID_ARGUMENT,
                "Argument '%s' of %s is %s, but must be %s.".formatted(name, type, value, expected));
    }

    /** Refuses a number that is not finite or not as a loss needs it. */
    static void require(boolean fits, String type, String name, double value, String expected) {
        if (!fits || !Double.isFinite(value)) {
            throw invalid(type, name, value, expected);
        }
    }

    /** Refuses weights with which the loss would not be convex. */
    static void requireWeights(String type, String name, @Nullable List<Double> weights) {
        if (weights != null && !weights.stream().allMatch(weight -> weight >= 0 && Double.isFinite(weight))) {
            throw invalid(type, name, weights, "finite numbers of at least 0");
        }
    }
}
