// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.cockpit.quantity.Value;
import java.util.Map;

/** Rules of the loss, of batches and of epochs. */
final class LossRules {

    private final AlarmBook book;
    private final AlarmOptions options;
    private double lastValidLoss = Double.NaN;
    private double lastTrainLoss = Double.NaN;

    LossRules(AlarmBook book, AlarmOptions options) {
        this.book = book;
        this.options = options;
    }

    void check(LoggedStep step) {
        step.number("Loss").ifPresent(loss -> loss(step.number(), loss));
    }

    private void loss(long step, double loss) {
        Window first = book.window("first losses", options.window());
        if (!first.isFull()) {
            first.add(loss);
        }
        Window window = book.window("Loss", 2 * options.window());
        window.add(loss);
        if (!window.isFull()) {
            return;
        }
        double[] halves = window.halves();
        double start = first.mean();
        book.check(
                "loss-does-not-fall",
                start - halves[1] < options.leastFall() * Math.abs(start),
                step,
                () ->
                        "The loss is not below what it was at the start: look for a learning rate that is far too high or too low, for targets that do not belong to their inputs, and for layers that no gradient reaches.",
                () -> "the mean loss of %d values is not below that of the first %d by a part of %s"
                        .formatted(options.window(), options.window(), options.leastFall()));
        book.check(
                "stalled",
                halves[0] - halves[1] < options.leastFall() * Math.abs(halves[0]),
                step,
                () ->
                        "The loss no longer falls. Lower the learning rate if Alpha is above 0, raise it if it is near -1, or stop.",
                () -> "the mean loss of %d values is not below that of the %d before by a part of %s"
                        .formatted(options.window(), options.window(), options.leastFall()));
    }

    /**
     * Looks at an epoch.
     *
     * @param step the last step of it
     */
    void check(long step, Map<String, Value> values) {
        double valid = number(values, "valid_loss");
        double train = number(values, "train_loss");
        if (!Double.isNaN(valid)) {
            boolean worse = valid > lastValidLoss && !(train > lastTrainLoss);
            book.check(
                    "over-training",
                    book.streak("valid", worse) >= options.epochs(),
                    step,
                    () ->
                            "The loss of validation rises while that of training does not: stop, or go back to the best checkpoint.",
                    () -> "the validation loss rises for %d epochs".formatted(options.epochs()));
            lastValidLoss = valid;
            lastTrainLoss = train;
        }
        double gap = number(values, "train_accuracy") - number(values, "valid_accuracy");
        if (!Double.isNaN(gap)) {
            book.check(
                    "over-fitting",
                    gap > options.largestGap(),
                    step,
                    () ->
                            "The network knows its training data much better than others: regularise, or train on more data.",
                    () -> "the accuracy of training is above that of validation by more than %s"
                            .formatted(options.largestGap()));
        }
    }

    private static double number(Map<String, Value> values, String name) {
        Value value = values.get(name);
        return value == null ? Double.NaN : value.number().orElse(Double.NaN);
    }
}
