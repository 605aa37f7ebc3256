package io.backpack4j.training.optimizer;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;

/** What options must be. */
final class Checks {

    private Checks() {}

    static void require(boolean holds, String message) {
        if (!holds) {
            throw new BackpackException(CommonProblems.INVALID_ARGUMENT, message);
        }
    }

    static void atLeastZero(String name, double value) {
        require(
                value >= 0 && Double.isFinite(value),
                "Argument '%s' of an optimiser is %s, but must be at least 0.".formatted(name, value));
    }

    static void fraction(String name, double value) {
        require(
                value >= 0 && value < 1,
                "Argument '%s' of an optimiser is %s, but must be from 0 to below 1.".formatted(name, value));
    }
}
