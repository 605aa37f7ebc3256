// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;
import io.backpack4j.training.Schedule;
import io.backpack4j.training.State;

/**
 * Multiplies the rate by {@code factor} when what is watched did not become better for {@code patience} epochs.
 *
 * @param mode {@code min} or {@code max}: whether less or more is better
 * @param factor what the rate is multiplied by
 * @param patience how many bad epochs are borne
 * @param threshold by how much a value must be better to count
 * @param thresholdMode {@code rel} or {@code abs}: whether that is a part of the best value
 * @param cooldown how many epochs do not count after a reduction
 * @param minLr the least rate
 * @param eps a change that is smaller is not made
 * @param every when a value is looked at
 */
public record ReduceLROnPlateau(
        String mode,
        double factor,
        long patience,
        double threshold,
        String thresholdMode,
        long cooldown,
        double minLr,
        double eps,
        Every every)
        implements Schedule {

    static ReduceLROnPlateau of(Arguments options) {
        return new ReduceLROnPlateau(
                options.word("mode", "min", "min", "max"),
                options.number("factor", 0.1),
                options.integer("patience", 10),
                options.number("threshold", 1e-4),
                options.word("threshold_mode", "rel", "rel", "abs"),
                options.integer("cooldown", 0),
                options.number("min_lr", 0),
                options.number("eps", 1e-8),
                Checks.every(options, Every.EPOCH));
    }

    @Override
    public Rates start(double base) {
        return new Watching(this, base);
    }

    private boolean isBetter(double value, double best) {
        boolean least = mode.equals("min");
        double sign = least ? -1 : 1;
        double bound = thresholdMode.equals("rel") ? best * (1 + sign * threshold) : best + sign * threshold;
        return least ? value < bound : value > bound;
    }

    /** The rates of a group. */
    private static final class Watching implements Rates {

        private final ReduceLROnPlateau options;
        private double rate;
        private double best;
        private long bad;
        private long cooling;

        Watching(ReduceLROnPlateau options, double base) {
            this.options = options;
            this.rate = base;
            this.best = options.mode.equals("min") ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
        }

        @Override
        public double rate() {
            return rate;
        }

        @Override
        public void advance(double monitored) {
            if (Double.isNaN(monitored)) {
                // Held-out data was not predicted in this epoch.
                return;
            }
            if (options.isBetter(monitored, best)) {
                best = monitored;
                bad = 0;
            } else {
                bad++;
            }
            if (cooling > 0) {
                cooling--;
                bad = 0;
            }
            if (bad > options.patience) {
                double less = Math.max(rate * options.factor, options.minLr);
                rate = rate - less > options.eps ? less : rate;
                cooling = options.cooldown;
                bad = 0;
            }
        }

        @Override
        public void save(State state) {
            state.put("rate", rate);
            state.put("best", best);
            state.put("counts", bad, cooling);
        }

        @Override
        public void load(State state) {
            rate = state.number("rate");
            best = state.number("best");
            bad = state.integers("counts")[0];
            cooling = state.integers("counts")[1];
        }
    }
}
