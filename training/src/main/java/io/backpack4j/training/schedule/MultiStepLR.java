// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;
import java.util.List;

/**
 * base · gamma^k, k milestones having been reached.
 *
 * @param milestones where the rate changes
 * @param gamma what it is multiplied by then
 * @param every when n grows
 */
public record MultiStepLR(List<Long> milestones, double gamma, Every every) implements ClosedForm {

    public MultiStepLR {
        milestones = List.copyOf(milestones);
    }

    static MultiStepLR of(Arguments options) {
        return new MultiStepLR(
                options.integers("milestones"), options.number("gamma", 0.1), Checks.every(options, Every.EPOCH));
    }

    @Override
    public double rate(double base, long n) {
        return base
                * Math.pow(
                        gamma,
                        milestones.stream().filter(milestone -> milestone <= n).count());
    }
}
