// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.privacy.accountant.Accountant;
import io.backpack4j.privacy.accountant.NoiseCalibration;
import io.backpack4j.privacy.accountant.PrvAccountant;
import io.backpack4j.spi.BackpackException;
import java.util.OptionalDouble;

/**
 * What a run may spend.
 *
 * @param accountant how it is counted
 * @param delta δ
 * @param epsilon the ε that no step may exceed; nothing is limited if empty
 */
public record PrivacyBudget(Accountant accountant, double delta, OptionalDouble epsilon) {

    /**
     * Checks.
     *
     * @throws BackpackException if δ or ε is not possible, or an approximation is to decide when to stop
     */
    public PrivacyBudget {
        Accountant.requireDelta(delta);
        if (epsilon.isPresent()) {
            NoiseCalibration.requireBudget(epsilon.getAsDouble());
            NoiseCalibration.requireBound(accountant);
        }
    }

    /** Counts tightly, and stops at ε. */
    public static PrivacyBudget of(double epsilon, double delta) {
        return new PrivacyBudget(new PrvAccountant(), delta, OptionalDouble.of(epsilon));
    }

    /** Counts tightly, and never stops. */
    public static PrivacyBudget counted(double delta) {
        return new PrivacyBudget(new PrvAccountant(), delta, OptionalDouble.empty());
    }
}
