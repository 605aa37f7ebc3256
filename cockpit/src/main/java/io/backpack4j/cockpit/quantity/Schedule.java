// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.Set;
import java.util.TreeSet;

/** At which steps something is due. Any predicate of non-negative step numbers will do. */
@FunctionalInterface
public interface Schedule {

    /** Whether it is due at a step. */
    boolean isDue(long step);

    /** Every step. */
    static Schedule always() {
        return step -> true;
    }

    /** The steps offset, offset + interval, …, and none before. */
    static Schedule linear(long interval, long offset) {
        if (interval < 1 || offset < 0) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "A linear schedule has interval %d and offset %d, but needs an interval of at least 1 and an offset of at least 0."
                            .formatted(interval, offset));
        }
        return step -> step >= offset && (step - offset) % interval == 0;
    }

    /**
     * The steps base^(start + i (end − start) / (steps − 1)), i = 0, 1, …, steps − 1, cut to whole numbers.
     *
     * @param init whether step 0 belongs to them
     */
    static Schedule logarithmic(double start, double end, int steps, double base, boolean init) {
        if (steps < 1 || steps > 1_000_000 || !(base > 0) || !(base <= 1e6)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "A logarithmic schedule has %d steps of base %s, but needs 1 to 1000000 steps and a positive base of at most 1e6."
                            .formatted(steps, base));
        }
        Set<Long> due = new TreeSet<>();
        for (int i = 0; i < steps; i++) {
            // As NumPy's linspace, whose last number is exact: 10^1 must not be cut to 9.
            double exponent = i == steps - 1 && steps > 1 ? end : start + i * ((end - start) / Math.max(1, steps - 1));
            due.add((long) Math.pow(base, exponent));
        }
        if (init) {
            due.add(0L);
        }
        return due::contains;
    }

    /** Reads {@code linear(interval=3,offset=1)} or {@code logarithmic(start=0,end=1,steps=5,base=10,init=false)}. */
    static Schedule parse(String text) {
        var expressions = ExtensionExpressions.parse(text);
        if (expressions.size() != 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "'%s' is not one schedule. Write it like linear(interval=3,offset=1).".formatted(text));
        }
        return of(expressions.get(0));
    }

    /** Reads an expression. */
    static Schedule of(ExtensionExpression expression) {
        Arguments options = new Arguments("schedule " + expression.type(), expression.options());
        Schedule schedule = switch (expression.type()) {
            case "linear" -> linear(options.integer("interval", 1), options.integer("offset", 0));
            case "logarithmic" ->
                logarithmic(
                        options.number("start"),
                        options.number("end"),
                        (int) Math.min(Integer.MAX_VALUE, options.integer("steps", 300)),
                        options.number("base", 10),
                        options.flag("init", true));
            default ->
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "'%s' is not a schedule. There are linear and logarithmic.".formatted(expression.type()));
        };
        options.rejectUnknown();
        return schedule;
    }
}
