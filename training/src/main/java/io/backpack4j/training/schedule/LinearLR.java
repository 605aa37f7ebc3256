// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;

/**
 * A warm-up: base times a factor that goes from start_factor to end_factor while n goes from 0 to total_iters.
 *
 * @param startFactor the factor at first
 * @param endFactor the factor in the end
 * @param totalIters how long it takes
 * @param every when n grows
 */
public record LinearLR(double startFactor, double endFactor, long totalIters, Every every) implements ClosedForm {

    public LinearLR {
        Checks.atLeastOne("total_iters", totalIters);
    }

    static LinearLR of(Arguments options) {
        return new LinearLR(
                options.number("start_factor", 1.0 / 3),
                options.number("end_factor", 1),
                options.integer("total_iters", 5),
                Checks.every(options, Every.EPOCH));
    }

    @Override
    public double rate(double base, long n) {
        return base * (startFactor + (endFactor - startFactor) * Math.min(totalIters, n) / totalIters);
    }
}
