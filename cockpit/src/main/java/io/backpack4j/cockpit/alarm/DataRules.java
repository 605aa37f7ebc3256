// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import java.util.Map;

/** Rules of what is trained on. */
final class DataRules {

    /** Samples per class before shares of classes are believed. */
    private static final int SAMPLES_PER_CLASS = 10;

    private final AlarmBook book;
    private final AlarmOptions options;

    DataRules(AlarmBook book, AlarmOptions options) {
        this.book = book;
        this.options = options;
    }

    void check(LoggedStep step) {
        step.number("ClassBalance").ifPresent(balance -> balance(step, balance));
        step.number("InputScale").ifPresent(scale -> scale(step, scale));
    }

    private void balance(LoggedStep step, double balance) {
        Map<?, ?> details = step.details("ClassBalance");
        if (number(details, "samples") < SAMPLES_PER_CLASS * number(details, "classes")) {
            return;
        }
        book.check(
                "unbalanced-classes",
                balance < options.leastBalance(),
                step.number(),
                () ->
                        "Some classes are much more frequent than others among the samples so far.%s Weigh the loss by class, draw rare ones more often, or look at more than the accuracy."
                                .formatted(most(details)),
                () -> "ClassBalance is below %s after %d samples per class"
                        .formatted(options.leastBalance(), SAMPLES_PER_CLASS));
    }

    private static String most(Map<?, ?> details) {
        return details.get("most") instanceof Map<?, ?> own
                ? " Class %s is %.0f %% of them.".formatted(own.get("class"), 100 * number(own, "share"))
                : "";
    }

    private void scale(LoggedStep step, double scale) {
        Map<?, ?> details = step.details("InputScale");
        double spread = details.containsKey("spread") ? number(details, "spread") : 1;
        book.check(
                "unnormalised-inputs",
                scale > options.largestInput() || scale < options.leastInput() || spread > options.largestInputSpread(),
                step.number(),
                () ->
                        "Inputs are not normalised: the root of their mean square is %.3g, and the largest of a feature is %.3g times the median. Bring features to mean 0 and deviation 1."
                                .formatted(scale, spread),
                () -> "InputScale is not between %s and %s, or its spread is above %s"
                        .formatted(options.leastInput(), options.largestInput(), options.largestInputSpread()));
    }

    private static double number(Map<?, ?> details, String name) {
        return details.get(name) instanceof Number number ? number.doubleValue() : 0;
    }
}
