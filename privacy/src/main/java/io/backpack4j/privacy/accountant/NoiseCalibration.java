// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import io.backpack4j.privacy.PrivacyProblems;
import io.backpack4j.spi.BackpackException;
import java.util.List;

/** Finds what a budget allows. */
public final class NoiseCalibration {

    private static final double PRECISION = 1e-3;
    private static final double MOST_NOISE = 1e6;

    private NoiseCalibration() {}

    /**
     * The least noise multiplier, to a part in a thousand, with which so many steps stay within a budget.
     *
     * @param accountant an upper bound
     * @param epsilon the budget, above 0
     * @param delta δ
     * @param samplingRate q
     * @param steps how many are to be taken
     * @throws BackpackException if the accountant gives no bound, or no noise is enough
     */
    public static double noiseFor(
            Accountant accountant, double epsilon, double delta, double samplingRate, long steps) {
        requireBound(accountant);
        requireBudget(epsilon);
        double low = 0;
        double high = 1;
        while (accountant.epsilon(List.of(new Mechanism(high, samplingRate, steps)), delta) > epsilon) {
            low = high;
            high *= 2;
            if (high > MOST_NOISE) {
                throw new BackpackException(
                        PrivacyProblems.INVALID_PRIVACY,
                        "No noise keeps %d steps within ε = %s at δ = %s with the accountant %s. Allow a larger ε."
                                .formatted(steps, epsilon, delta, accountant.name()));
            }
        }
        while (high - low > PRECISION * high) {
            double middle = (low + high) / 2;
            if (accountant.epsilon(List.of(new Mechanism(middle, samplingRate, steps)), delta) > epsilon) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /** Fails for an accountant whose numbers may be below the truth. */
    public static void requireBound(Accountant accountant) {
        if (!accountant.isBound()) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "The accountant %s is an approximation that may report less than is spent: it cannot decide. Take prv or rdp."
                            .formatted(accountant.name()));
        }
    }

    /** Fails unless a budget is above 0. */
    public static void requireBudget(double epsilon) {
        if (!(epsilon > 0)) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY, "The budget ε is %s, but must be above 0.".formatted(epsilon));
        }
    }
}
