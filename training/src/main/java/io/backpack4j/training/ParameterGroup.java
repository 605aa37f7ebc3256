// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Patterns;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Parameters that are trained in a way of their own. Of several groups that name a parameter, the first counts.
 *
 * @param parameters patterns of names, {@code *} standing for anything, such as {@code *.bias}; each must match a
 *     trained parameter
 * @param learningRate that of the optimiser if empty
 * @param weightDecay that of the optimiser if empty
 * @param frozen whether they keep their numbers
 */
public record ParameterGroup(
        List<String> parameters, OptionalDouble learningRate, OptionalDouble weightDecay, boolean frozen) {

    public ParameterGroup {
        parameters = List.copyOf(parameters);
        requireAtLeastZero("learning rate", learningRate, parameters);
        requireAtLeastZero("weight decay", weightDecay, parameters);
    }

    private static void requireAtLeastZero(String what, OptionalDouble value, List<String> parameters) {
        if (value.isPresent() && !(value.getAsDouble() >= 0 && Double.isFinite(value.getAsDouble()))) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The %s of the parameters %s is %s, but must be a finite number of at least 0."
                            .formatted(what, parameters, value.getAsDouble()));
        }
    }

    /** Parameters as the optimiser trains them. */
    public static ParameterGroup of(String... patterns) {
        return new ParameterGroup(List.of(patterns), OptionalDouble.empty(), OptionalDouble.empty(), false);
    }

    /** With a learning rate of their own. */
    public ParameterGroup learningRate(double rate) {
        return new ParameterGroup(parameters, OptionalDouble.of(rate), weightDecay, frozen);
    }

    /** With a weight decay of their own. */
    public ParameterGroup weightDecay(double decay) {
        return new ParameterGroup(parameters, learningRate, OptionalDouble.of(decay), frozen);
    }

    /** Not trained. */
    public ParameterGroup freeze() {
        return new ParameterGroup(parameters, learningRate, weightDecay, true);
    }

    /** Whether a parameter is in it. */
    boolean holds(String parameter) {
        return parameters.stream().anyMatch(pattern -> Patterns.matches(pattern, parameter));
    }
}
