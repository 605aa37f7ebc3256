// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.training.Schedule;
import io.backpack4j.training.State;
import java.util.OptionalDouble;

/** A schedule whose rate depends on nothing but the number of steps, or epochs, so far. */
interface ClosedForm extends Schedule {

    /**
     * The rate.
     *
     * @param base where the schedule started
     * @param n from 0 on
     */
    double rate(double base, long n);

    /** The momentum, if it is cycled. */
    default OptionalDouble momentum(long n) {
        return OptionalDouble.empty();
    }

    @Override
    default Rates start(double base) {
        return new Counted(this, base);
    }

    /** The rates of a group. */
    final class Counted implements Rates {

        private final ClosedForm form;
        private final double base;
        private long n;

        Counted(ClosedForm form, double base) {
            this.form = form;
            this.base = base;
        }

        @Override
        public double rate() {
            return form.rate(base, n);
        }

        @Override
        public OptionalDouble momentum() {
            return form.momentum(n);
        }

        @Override
        public void advance(double monitored) {
            n++;
        }

        @Override
        public void save(State state) {
            state.put("n", n);
        }

        @Override
        public void load(State state) {
            n = state.integer("n");
        }
    }
}
