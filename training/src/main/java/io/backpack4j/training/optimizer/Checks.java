// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.ArrayList;
import java.util.List;

/** What options of optimisers must be. */
public final class Checks {

    private Checks() {}

    /** Fails with a message unless something holds. */
    public static void require(boolean holds, String message) {
        if (!holds) {
            throw new BackpackException(CommonProblems.INVALID_ARGUMENT, message);
        }
    }

    /** A finite number that is not negative. */
    public static void atLeastZero(String name, double value) {
        require(
                value >= 0 && Double.isFinite(value),
                "Argument '%s' of an optimiser is %s, but must be at least 0.".formatted(name, value));
    }

    /** A number from 0 to below 1. */
    public static void fraction(String name, double value) {
        require(
                value >= 0 && value < 1,
                "Argument '%s' of an optimiser is %s, but must be from 0 to below 1.".formatted(name, value));
    }

    /** A whole number that is positive. */
    public static void atLeastOne(String name, long value) {
        require(value >= 1, "Argument '%s' of an optimiser is %d, but must be at least 1.".formatted(name, value));
    }

    /** Two fractions. */
    static void betas(List<Double> betas) {
        require(
                betas.size() == 2,
                "Argument 'betas' of an optimiser is %s, but must be two numbers, such as [0.9,0.999]."
                        .formatted(betas));
        betas.forEach(beta -> fraction("betas", beta));
    }

    static List<Double> betas(Arguments options, List<Double> otherwise) {
        if (!options.has("betas")) {
            return otherwise;
        }
        List<Double> betas = new ArrayList<>();
        for (Object beta : options.list("betas")) {
            if (!(beta instanceof Number number)) {
                throw options.wrong("betas", "two numbers, such as [0.9,0.999]", beta);
            }
            betas.add(number.doubleValue());
        }
        return betas;
    }
}
