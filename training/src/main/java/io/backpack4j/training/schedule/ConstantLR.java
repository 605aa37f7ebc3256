// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;

/**
 * base · factor as long as n is below total_iters, then base.
 *
 * @param factor what the rate is multiplied by at first
 * @param totalIters how long
 * @param every when n grows
 */
public record ConstantLR(double factor, long totalIters, Every every) implements ClosedForm {

    static ConstantLR of(Arguments options) {
        return new ConstantLR(
                options.number("factor", 1.0 / 3),
                options.integer("total_iters", 5),
                Checks.every(options, Every.EPOCH));
    }

    @Override
    public double rate(double base, long n) {
        return n < totalIters ? base * factor : base;
    }
}
