// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;

/**
 * eta_min + (base − eta_min) · (1 + cos(π n / T_max)) / 2.
 *
 * @param tMax when the rate is least
 * @param etaMin the least rate
 * @param every when n grows
 */
public record CosineAnnealingLR(long tMax, double etaMin, Every every) implements ClosedForm {

    public CosineAnnealingLR {
        Checks.atLeastOne("T_max", tMax);
    }

    static CosineAnnealingLR of(Arguments options) {
        return new CosineAnnealingLR(
                options.integer("T_max"), options.number("eta_min", 0), Checks.every(options, Every.EPOCH));
    }

    @Override
    public double rate(double base, long n) {
        return etaMin + (base - etaMin) * (1 + Math.cos(Math.PI * n / tMax)) / 2;
    }
}
