// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.BackpackException;

/**
 * A bound that follows the norms: C ← C exp(−rate (b − target)), b being the noisy fraction of samples that were not
 * clipped. G. Andrew, O. Thakkar, H. B. McMahan, S. Ramaswamy (2021), "Differentially private learning with adaptive
 * clipping".
 *
 * @param target which fraction is not to be clipped
 * @param rate how fast the bound follows
 * @param countNoise the deviation of the noise on the count of unclipped samples
 * @param least the smallest bound
 * @param most the largest bound
 */
public record AdaptiveClipping(double target, double rate, double countNoise, double least, double most) {

    /**
     * Checks.
     *
     * @throws BackpackException if a number is out of its range
     */
    public AdaptiveClipping {
        require(target > 0 && target < 1, "target_unclipped", target, "above 0 and below 1");
        require(rate > 0, "clipping_rate", rate, "above 0");
        require(countNoise > 0, "count_noise", countNoise, "above 0");
        require(least > 0 && least <= most, "min_norm", least, "above 0 and at most max of the bound, " + most);
    }

    /**
     * The noise multiplier of the gradients with which these and the count together are as private as the gradients
     * alone with {@code noiseMultiplier}: (σ⁻² − (2 σ_count)⁻²)^(−1/2), theorem 1 there.
     *
     * @throws BackpackException if the count's noise leaves nothing
     */
    double noiseOfGradients(double noiseMultiplier) {
        double rest = 1 / (noiseMultiplier * noiseMultiplier) - 1 / (4 * countNoise * countNoise);
        require(rest > 0, "count_noise", countNoise, "above half of the noise multiplier, " + noiseMultiplier);
        return 1 / Math.sqrt(rest);
    }

    /** The next bound. */
    double next(double bound, double noisyFraction) {
        return Math.min(most, Math.max(least, bound * Math.exp(-rate * (noisyFraction - target))));
    }

    private static void require(boolean holds, String name, double value, String expected) {
        if (!holds) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "Argument '%s' is %s, but must be %s.".formatted(name, value, expected));
        }
    }
}
