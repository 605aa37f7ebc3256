// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;
import java.util.OptionalDouble;

/**
 * Smith and Topin, Super-convergence: up from max_lr / div_factor to max_lr, then down to max_lr / div_factor /
 * final_div_factor; the momentum the other way round. Behind total_steps the rate stays.
 *
 * @param maxLr the greatest rate, whatever the optimiser's
 * @param totalSteps how long it takes
 * @param pctStart the part of the way up
 * @param annealStrategy {@code cos} or {@code linear}
 * @param cycleMomentum whether the momentum is cycled, too
 * @param baseMomentum the least momentum
 * @param maxMomentum the greatest momentum
 * @param divFactor the greatest rate by the first
 * @param finalDivFactor the first rate by the last
 * @param threePhase whether the way down stops at the first rate
 * @param every when n grows
 */
public record OneCycleLR(
        double maxLr,
        long totalSteps,
        double pctStart,
        String annealStrategy,
        boolean cycleMomentum,
        double baseMomentum,
        double maxMomentum,
        double divFactor,
        double finalDivFactor,
        boolean threePhase,
        Every every)
        implements ClosedForm {

    private static final String COSINE = "cos";
    private static final String LINEAR = "linear";

    public OneCycleLR {
        Checks.atLeastOne("total_steps", totalSteps);
    }

    static OneCycleLR of(Arguments options) {
        long total = options.has("total_steps")
                ? options.integer("total_steps")
                : options.integer("epochs") * options.integer("steps_per_epoch");
        return new OneCycleLR(
                options.number("max_lr"),
                total,
                options.number("pct_start", 0.3),
                options.word("anneal_strategy", COSINE, COSINE, LINEAR),
                options.flag("cycle_momentum", true),
                options.number("base_momentum", 0.85),
                options.number("max_momentum", 0.95),
                options.number("div_factor", 25),
                options.number("final_div_factor", 1e4),
                options.flag("three_phase", false),
                Checks.every(options, Every.STEP));
    }

    @Override
    public double rate(double base, long n) {
        double first = maxLr / divFactor;
        double last = first / finalDivFactor;
        return threePhase ? at(n, first, maxLr, first, last) : at(n, first, maxLr, last, last);
    }

    @Override
    public OptionalDouble momentum(long n) {
        return cycleMomentum
                ? OptionalDouble.of(at(n, maxMomentum, baseMomentum, maxMomentum, maxMomentum))
                : OptionalDouble.empty();
    }

    /** Between the values at the ends of the phases. */
    private double at(long n, double start, double top, double second, double end) {
        double now = Math.min(n, totalSteps - 1);
        double up = pctStart * totalSteps - 1;
        double down = threePhase ? 2 * pctStart * totalSteps - 2 : totalSteps - 1;
        if (now <= up) {
            return between(start, top, now / up);
        }
        return now <= down
                ? between(top, second, (now - up) / (down - up))
                : between(second, end, (now - down) / (totalSteps - 1 - down));
    }

    private double between(double from, double to, double part) {
        return annealStrategy.equals(LINEAR)
                ? (to - from) * part + from
                : to + (from - to) / 2 * (Math.cos(Math.PI * part) + 1);
    }
}
