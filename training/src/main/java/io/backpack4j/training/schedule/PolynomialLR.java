// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;

/**
 * base · (1 − min(n, total_iters) / total_iters)^power.
 *
 * @param totalIters when the rate is 0
 * @param power how it gets there
 * @param every when n grows
 */
public record PolynomialLR(long totalIters, double power, Every every) implements ClosedForm {

    public PolynomialLR {
        Checks.atLeastOne("total_iters", totalIters);
    }

    static PolynomialLR of(Arguments options) {
        return new PolynomialLR(
                options.integer("total_iters", 5), options.number("power", 1), Checks.every(options, Every.EPOCH));
    }

    @Override
    public double rate(double base, long n) {
        return base * Math.pow(1 - (double) Math.min(n, totalIters) / totalIters, power);
    }
}
