// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;

/**
 * base · gamma^⌊n / step_size⌋.
 *
 * @param stepSize how long a rate lasts
 * @param gamma what it is multiplied by then
 * @param every when n grows
 */
public record StepLR(long stepSize, double gamma, Every every) implements ClosedForm {

    public StepLR {
        Checks.atLeastOne("step_size", stepSize);
    }

    static StepLR of(Arguments options) {
        return new StepLR(
                options.integer("step_size"), options.number("gamma", 0.1), Checks.every(options, Every.EPOCH));
    }

    @Override
    public double rate(double base, long n) {
        return base * Math.pow(gamma, n / stepSize);
    }
}
