// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What modules check of their arguments and inputs, with messages that are alike. A module's type is taken by its name
 * where it may be under construction, when it is no module yet.
 */
public final class ModuleChecks {

    private ModuleChecks() {}

    /**
     * {@code InvalidArgument}: a module cannot be made with an argument.
     *
     * @param expected what is possible, to follow "must be"
     */
    public static BackpackException invalid(String type, String argument, Object value, String expected) {
        return new BackpackException(
                CommonProblems.INVALID_ARGUMENT,
                "Argument '%s' of %s is %s, but must be %s.".formatted(argument, type, value, expected));
    }

    /**
     * {@code ShapeMismatch}: inputs do not fit a module.
     *
     * @param problem a sentence that goes on from the name of the module's type
     */
    public static BackpackException mismatch(Module module, String problem) {
        return new BackpackException(CommonProblems.SHAPE_MISMATCH, module.type() + " " + problem);
    }

    /** Requires at least 1. */
    public static void positive(String type, String argument, long value) {
        if (value < 1) {
            throw invalid(type, argument, value, "at least 1");
        }
    }

    /** Requires a number that is neither infinite nor NaN. */
    public static void finite(String type, String argument, double value) {
        if (!Double.isFinite(value)) {
            throw invalid(type, argument, value, "a finite number");
        }
    }

    /**
     * The only input.
     *
     * @throws BackpackException {@code InputCountMismatch} if there are more or none
     */
    public static Shape single(Module module, List<Shape> inputs) {
        if (inputs.size() != 1) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes one input, but was given %d.".formatted(module.type(), inputs.size()));
        }
        return inputs.get(0);
    }

    /** A parameter that the module declares. */
    public static Tensor parameter(Map<String, Tensor> parameters, String name) {
        return Objects.requireNonNull(parameters.get(name), name);
    }
}
