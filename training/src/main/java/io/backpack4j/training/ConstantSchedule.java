// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

/** The rate stays what it is. */
record ConstantSchedule() implements Schedule {

    @Override
    public Every every() {
        return Every.EPOCH;
    }

    @Override
    public Rates start(double rate) {
        return new Rates() {
            @Override
            public double rate() {
                return rate;
            }

            @Override
            public void advance(double monitored) {}

            @Override
            public void save(State state) {}

            @Override
            public void load(State state) {}
        };
    }
}
