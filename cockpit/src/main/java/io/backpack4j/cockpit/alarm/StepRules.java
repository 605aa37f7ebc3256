// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.cockpit.quantity.Value;

/** Rules of the update: how far it goes. */
final class StepRules {

    private final AlarmBook book;
    private final AlarmOptions options;

    StepRules(AlarmBook book, AlarmOptions options) {
        this.book = book;
        this.options = options;
    }

    void check(LoggedStep step) {
        step.number("Alpha").ifPresent(alpha -> {
            Window window = book.window("Alpha", options.window());
            window.add(alpha);
            book.check(
                    "step-too-large",
                    window.isFull() && window.mean() > options.largestAlpha(),
                    step.number(),
                    () ->
                            "Steps go far beyond the minimum of the loss along them: the learning rate is too high. Try a half of it.",
                    () -> "the mean of Alpha over %d values is above %s"
                            .formatted(options.window(), options.largestAlpha()));
        });
        step.named("UpdateRatio").forEach((layer, ratio) -> ratio(step.number(), layer, ratio));
    }

    private void ratio(long step, String layer, Value ratio) {
        if (ratio.number().isEmpty()) {
            return;
        }
        Window window = book.window("UpdateRatio:" + layer, options.layerWindow());
        window.add(ratio.number().getAsDouble());
        book.check(
                "weights-do-not-move:" + layer,
                window.isFull() && window.mean() < options.leastUpdate(),
                step,
                () -> "Weights of %s hardly move: its learning rate is too low, or no gradient reaches it."
                        .formatted(LoggedStep.layer(layer)),
                () -> "the mean of UpdateRatio over %d values is below %s"
                        .formatted(options.layerWindow(), options.leastUpdate()));
        book.check(
                "weights-move-too-fast:" + layer,
                window.isFull() && window.mean() > options.largestUpdate(),
                step,
                () -> "Weights of %s change by a large part of themselves in every step: its learning rate is too high."
                        .formatted(LoggedStep.layer(layer)),
                () -> "the mean of UpdateRatio over %d values is above %s"
                        .formatted(options.layerWindow(), options.largestUpdate()));
    }
}
