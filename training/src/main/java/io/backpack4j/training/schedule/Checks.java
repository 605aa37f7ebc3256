// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.Schedule.Every;
import java.util.Locale;

/** What options must be. */
final class Checks {

    private Checks() {}

    static void atLeastOne(String name, long value) {
        if (value < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Argument '%s' of a schedule is %d, but must be at least 1.".formatted(name, value));
        }
    }

    static Every every(Arguments options, Every otherwise) {
        String word = options.word("every", otherwise.name().toLowerCase(Locale.ROOT), "step", "epoch");
        return Every.valueOf(word.toUpperCase(Locale.ROOT));
    }
}
