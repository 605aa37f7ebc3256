// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.privacy.accountant.Mechanism;
import io.backpack4j.privacy.accountant.RdpAccountant;
import io.backpack4j.training.State;
import java.util.List;

/** What was spent, and whether the budget allows another step. */
final class PrivacyLedger {

    private static final String STEPS = "steps";

    private final PrivacyBudget budget;
    private final double noiseMultiplier;
    private final double samplingRate;
    private long steps;
    private long allowed;
    private long ahead = 1;

    PrivacyLedger(PrivacyBudget budget, double noiseMultiplier, double samplingRate) {
        this.budget = budget;
        this.noiseMultiplier = noiseMultiplier;
        this.samplingRate = samplingRate;
    }

    void add() {
        steps++;
    }

    /** What all steps have cost up to now. */
    double epsilon() {
        return budget.accountant().epsilon(history(steps), budget.delta());
    }

    /**
     * Whether another step stays within the budget. Counting takes a while, so it looks ahead, twice as far whenever
     * that was allowed.
     */
    boolean allowsAnother() {
        if (budget.epsilon().isEmpty() || steps < allowed) {
            return true;
        }
        for (ahead *= 2; ahead >= 1; ahead /= 2) {
            if (isWithin(steps + ahead)) {
                allowed = steps + ahead;
                return true;
            }
        }
        ahead = 1;
        return false;
    }

    private boolean isWithin(long count) {
        double most = budget.epsilon().orElseThrow();
        List<Mechanism> history = history(count);
        return new RdpAccountant().epsilon(history, budget.delta()) <= most
                || budget.accountant().epsilon(history, budget.delta()) <= most;
    }

    private List<Mechanism> history(long count) {
        return List.of(new Mechanism(noiseMultiplier, samplingRate, count));
    }

    void save(State state) {
        state.put(STEPS, steps);
    }

    void load(State state) {
        steps = state.integer(STEPS);
        allowed = 0;
    }
}
