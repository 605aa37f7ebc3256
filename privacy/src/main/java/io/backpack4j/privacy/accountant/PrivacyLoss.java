// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import org.hipparchus.special.Erf;

/**
 * The privacy loss of one step: the logarithm of the ratio of two densities, P = N(0, σ²) without the sample and Q = (1
 * − q) N(0, σ²) + q N(1, σ²) with it, where the data are those of the numerator.
 *
 * @param mechanism σ and q
 * @param removed whether the numerator is Q: the sample was there and is removed
 */
record PrivacyLoss(Mechanism mechanism, boolean removed) {

    /** Points of the trapezoidal rule per deviation; its error vanishes like that of a Fourier series. */
    private static final int POINTS = 64;

    /** How many deviations of the noise count. */
    private static final int REACH = 38;

    /** The probability of losses up to {@code loss}. */
    double atMost(double loss) {
        if (removed) {
            double x = where(loss);
            return mixture(x);
        }
        return normal(-where(-loss));
    }

    /** The probability of losses above {@code loss}, exact where it is small. */
    double above(double loss) {
        if (removed) {
            double x = where(loss);
            double q = mechanism.samplingRate();
            return (1 - q) * normal(-x) + q * normal(1 / mechanism.noiseMultiplier() - x);
        }
        return normal(where(-loss));
    }

    /** The mean loss of losses up to {@code most} in magnitude. */
    double mean(double most) {
        double sigma = mechanism.noiseMultiplier();
        double q = mechanism.samplingRate();
        double step = 1.0 / POINTS;
        double last = Math.min(where(most), REACH + 1 / sigma);
        double first = Math.max(where(-most), -REACH);
        double sum = 0;
        double mass = 0;
        for (double x = first; x < last; x += step) {
            double without = density(x);
            double with = (1 - q) * without + q * density(x - 1 / sigma);
            double ratio = ratio(x);
            double weight = removed ? with : without;
            sum += weight * (removed ? ratio : -ratio);
            mass += weight;
        }
        return sum / mass;
    }

    /** log Q/P at x deviations. */
    private double ratio(double x) {
        double sigma = mechanism.noiseMultiplier();
        double exponent = x / sigma - 1 / (2 * sigma * sigma);
        double q = mechanism.samplingRate();
        if (q == 1) {
            return exponent;
        }
        return exponent > 30
                ? Math.log(q) + exponent + Math.log1p((1 - q) / q * Math.exp(-exponent))
                : Math.log1p(q * Math.expm1(exponent));
    }

    /** The number of deviations at which log Q/P is {@code loss}. */
    private double where(double loss) {
        double sigma = mechanism.noiseMultiplier();
        double q = mechanism.samplingRate();
        if (q == 1) {
            return sigma * loss + 1 / (2 * sigma);
        }
        if (loss <= Math.log1p(-q)) {
            return Double.NEGATIVE_INFINITY;
        }
        double exponent = loss > 30
                ? loss - Math.log(q) + Math.log1p((q - 1) * Math.exp(-loss))
                : Math.log1p(Math.expm1(loss) / q);
        return sigma * exponent + 1 / (2 * sigma);
    }

    private double mixture(double x) {
        double q = mechanism.samplingRate();
        return (1 - q) * normal(x) + q * normal(x - 1 / mechanism.noiseMultiplier());
    }

    private static double density(double x) {
        return Math.exp(-x * x / 2);
    }

    private static double normal(double x) {
        return 0.5 * Erf.erfc(-x / Math.sqrt(2));
    }
}
