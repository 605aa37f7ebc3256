// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.cockpit.quantity.Value;
import java.util.Map;

/** Rules of the gradient: its tests, its length, and that of its parts. */
final class GradientRules {

    private final AlarmBook book;
    private final AlarmOptions options;

    GradientRules(AlarmBook book, AlarmOptions options) {
        this.book = book;
        this.options = options;
    }

    void check(LoggedStep step) {
        step.number("NormTest").ifPresent(test -> {
            Window window = book.window("NormTest", options.window());
            window.add(test);
            book.check(
                    "batch-too-small",
                    window.isFull() && window.median() > options.largestNormTest(),
                    step.number(),
                    () ->
                            "The mean gradient can hardly be told from the noise of single samples: the batch is too small for its direction to be trusted. Take a larger one, or a lower learning rate.",
                    () -> "the median of NormTest over %d values is above %s"
                            .formatted(options.window(), options.largestNormTest()));
        });
        Map<String, Value> norms = step.named("GradNorm");
        if (!norms.isEmpty()
                && norms.values().stream().allMatch(norm -> norm.number().isPresent())) {
            norms(step.number(), norms);
        }
    }

    private void norms(long step, Map<String, Value> norms) {
        double squares = 0;
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        for (Map.Entry<String, Value> each : norms.entrySet()) {
            double norm = each.getValue().number().orElseThrow();
            squares += norm * norm;
            least = Math.min(least, norm);
            most = Math.max(most, norm);
            String name = each.getKey();
            book.check(
                    "zero-gradient:" + name,
                    book.streak("zero:" + name, norm == 0) >= 3,
                    step,
                    () -> "The gradient of %s is exactly zero: nothing reaches it, or all its units are dead."
                            .formatted(name),
                    () -> "the norm of a parameter's gradient is 0 for 3 values");
        }
        double total = Math.sqrt(squares);
        Window before = book.window("GradNorm", options.window());
        book.check(
                "vanishing-gradient",
                book.streak("vanishing", total < options.leastGradient()) >= 10,
                step,
                () ->
                        "The gradient is next to nothing. If the loss is still high, weights are initialised too small, or units are saturated.",
                () -> "the gradient's norm is below %s for 10 values".formatted(options.leastGradient()));
        book.check(
                "exploding-gradient",
                before.isFull() && total > options.largestGradient() * before.median(),
                step,
                () ->
                        "The gradient is much longer than before: the learning rate is too high, or the batch holds something unusual. Clip gradients.",
                () -> "the gradient's norm is above %s times the median of the %d values before"
                        .formatted(options.largestGradient(), options.window()));
        before.add(total);
        if (book.streak("first", true) == 1) {
            book.check(
                    "poor-initialisation",
                    norms.size() > 1 && least > 0 && most / least > options.largestSpread(),
                    step,
                    () ->
                            "Gradients of some parameters are very much longer than those of others from the start: initialise weights by the layers' widths.",
                    () -> "the largest norm of a parameter's gradient is above %s times the smallest at the first step"
                            .formatted(options.largestSpread()));
        }
    }
}
