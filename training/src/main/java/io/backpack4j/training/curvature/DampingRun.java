// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.training.State;

/** A damping at work. */
final class DampingRun {

    private static final String DAMPING = "damping";

    private final Damping rule;
    private double value;

    DampingRun(Damping rule) {
        this.rule = rule;
        this.value = rule.initial();
    }

    /** λ. */
    double value() {
        return value;
    }

    /**
     * Whether the ratio of this step is to be looked at.
     *
     * @param step counted from 0
     */
    boolean isDue(long step) {
        return rule.adaptive() && (step + 1) % rule.interval() == 0;
    }

    /** Follows a ratio; NaN counts as one that is too small. */
    void follow(double ratio) {
        double factor = Math.pow(rule.decay(), rule.interval());
        if (ratio > rule.upper()) {
            value *= factor;
        } else if (!(ratio >= rule.lower())) {
            value /= factor;
        }
        value = Math.min(rule.max(), Math.max(rule.min(), value));
    }

    void save(State state) {
        state.put(DAMPING, value);
    }

    void load(State state) {
        value = state.number(DAMPING);
    }
}
