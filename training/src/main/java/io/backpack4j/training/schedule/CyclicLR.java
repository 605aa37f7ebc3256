// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;
import java.util.OptionalDouble;

/**
 * Smith, Cyclical learning rates for training neural networks: up from base_lr to max_lr and down again, over and over;
 * the momentum the other way round.
 *
 * @param baseLr the least rate, whatever the optimiser's
 * @param maxLr the greatest rate
 * @param stepSizeUp how long a way up takes
 * @param stepSizeDown how long a way down takes
 * @param mode {@code triangular}, {@code triangular2} (half as high in each cycle) or {@code exp_range} (times gamma^n)
 * @param gamma for {@code exp_range}
 * @param cycleMomentum whether the momentum is cycled, too
 * @param baseMomentum the least momentum
 * @param maxMomentum the greatest momentum
 * @param every when n grows
 */
public record CyclicLR(
        double baseLr,
        double maxLr,
        long stepSizeUp,
        long stepSizeDown,
        String mode,
        double gamma,
        boolean cycleMomentum,
        double baseMomentum,
        double maxMomentum,
        Every every)
        implements ClosedForm {

    private static final String TRIANGULAR = "triangular";
    private static final String HALVING = "triangular2";
    private static final String EXPONENTIAL = "exp_range";

    public CyclicLR {
        Checks.atLeastOne("step_size_up", stepSizeUp);
        Checks.atLeastOne("step_size_down", stepSizeDown);
    }

    static CyclicLR of(Arguments options) {
        long up = options.integer("step_size_up", 2000);
        return new CyclicLR(
                options.number("base_lr"),
                options.number("max_lr"),
                up,
                options.integer("step_size_down", up),
                options.word("mode", TRIANGULAR, TRIANGULAR, HALVING, EXPONENTIAL),
                options.number("gamma", 1),
                options.flag("cycle_momentum", true),
                options.number("base_momentum", 0.8),
                options.number("max_momentum", 0.9),
                Checks.every(options, Every.STEP));
    }

    @Override
    public double rate(double base, long n) {
        return baseLr + (maxLr - baseLr) * height(n);
    }

    @Override
    public OptionalDouble momentum(long n) {
        return cycleMomentum
                ? OptionalDouble.of(maxMomentum - (maxMomentum - baseMomentum) * height(n))
                : OptionalDouble.empty();
    }

    /** From 0 to 1 and back, as the mode scales it. */
    private double height(long n) {
        double total = stepSizeUp + stepSizeDown;
        double ratio = stepSizeUp / total;
        double cycle = Math.floor(1 + n / total);
        double x = 1 + n / total - cycle;
        double part = x <= ratio ? x / ratio : (x - 1) / (ratio - 1);
        return switch (mode) {
            case HALVING -> part / Math.pow(2, cycle - 1);
            case EXPONENTIAL -> part * Math.pow(gamma, n);
            default -> part;
        };
    }
}
