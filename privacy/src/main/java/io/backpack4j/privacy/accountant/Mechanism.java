// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import io.backpack4j.privacy.PrivacyProblems;
import io.backpack4j.spi.BackpackException;

/**
 * Equal steps of a Gaussian mechanism on samples that are drawn independently of each other.
 *
 * @param noiseMultiplier σ: the noise's deviation over the largest norm that one sample can add
 * @param samplingRate q: the probability with which a sample is in a step, 1 if all are, or if samples are not drawn
 *     independently
 * @param steps how many
 */
public record Mechanism(double noiseMultiplier, double samplingRate, long steps) {

    /**
     * Checks.
     *
     * @throws BackpackException if a number is out of its range
     */
    public Mechanism {
        if (!(noiseMultiplier >= 0) || Double.isInfinite(noiseMultiplier)) {
            throw wrong("noise multiplier", noiseMultiplier, "a number of at least 0");
        }
        if (!(samplingRate >= 0 && samplingRate <= 1)) {
            throw wrong("sampling rate", samplingRate, "from 0 to 1");
        }
        if (steps < 0) {
            throw wrong("number of steps", steps, "at least 0");
        }
    }

    /** Whether nothing of the data gets out. */
    boolean isSilent() {
        return steps == 0 || samplingRate == 0;
    }

    private static BackpackException wrong(String what, Number value, String expected) {
        return new BackpackException(
                PrivacyProblems.INVALID_PRIVACY, "The %s is %s, but must be %s.".formatted(what, value, expected));
    }
}
