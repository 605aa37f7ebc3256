// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.cockpit.quantity.Value;

/** Rules of units: those that give nothing, or always the same. */
final class UnitRules {

    private final AlarmBook book;
    private final AlarmOptions options;

    UnitRules(AlarmBook book, AlarmOptions options) {
        this.book = book;
        this.options = options;
    }

    void check(LoggedStep step) {
        step.named("DeadUnits").forEach((layer, share) -> dead(step.number(), layer, share));
        step.named("Saturation").forEach((layer, share) -> saturated(step.number(), layer, share));
    }

    private void dead(long step, String layer, Value share) {
        if (share.number().isEmpty()) {
            return;
        }
        double dead = share.number().getAsDouble();
        book.check(
                "layer-of-zeros:" + layer,
                book.streak("layer-of-zeros:" + layer, dead == 1) >= 3,
                step,
                () ->
                        "All outputs of %s are zero for all samples: nothing passes it. Initialise its weights anew, or lower the learning rate."
                                .formatted(LoggedStep.layer(layer)),
                () -> "DeadUnits is 1 for 3 values");
        Window window = book.window("DeadUnits:" + layer, options.layerWindow());
        window.add(dead);
        book.check(
                "dead-units:" + layer,
                window.isFull() && window.mean() > options.largestDead(),
                step,
                () ->
                        "Many units of %s are zero for every sample of a batch, so that their weights no longer learn: lower the learning rate, or take an activation with a slope everywhere."
                                .formatted(LoggedStep.layer(layer)),
                () -> "the mean of DeadUnits over %d values is above %s"
                        .formatted(options.layerWindow(), options.largestDead()));
    }

    private void saturated(long step, String layer, Value share) {
        if (share.number().isEmpty()) {
            return;
        }
        Window window = book.window("Saturation:" + layer, options.layerWindow());
        window.add(share.number().getAsDouble());
        book.check(
                "saturated-units:" + layer,
                window.isFull() && window.mean() > options.largestSaturation(),
                step,
                () ->
                        "Many outputs of %s are at the ends of its activation, where hardly any gradient passes: scale inputs and initial weights down, or lower the learning rate."
                                .formatted(LoggedStep.layer(layer)),
                () -> "the mean of Saturation over %d values is above %s"
                        .formatted(options.layerWindow(), options.largestSaturation()));
    }
}
