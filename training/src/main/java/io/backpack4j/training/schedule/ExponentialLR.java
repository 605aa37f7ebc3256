// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;

/**
 * base · gamma^n.
 *
 * @param gamma what the rate is multiplied by
 * @param every when n grows
 */
public record ExponentialLR(double gamma, Every every) implements ClosedForm {

    static ExponentialLR of(Arguments options) {
        return new ExponentialLR(options.number("gamma"), Checks.every(options, Every.EPOCH));
    }

    @Override
    public double rate(double base, long n) {
        return base * Math.pow(gamma, n);
    }
}
