// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.Schedule;
import io.backpack4j.training.State;
import java.util.List;
import java.util.OptionalDouble;

/**
 * One schedule after the other, each from its own beginning.
 *
 * @param schedulers the schedules, which go on at the same times
 * @param milestones when each of them but the first begins
 */
public record SequentialLR(List<Schedule> schedulers, List<Long> milestones) implements Schedule {

    public SequentialLR {
        schedulers = List.copyOf(schedulers);
        milestones = List.copyOf(milestones);
        boolean ascending = true;
        for (int i = 1; i < milestones.size(); i++) {
            ascending &= milestones.get(i) > milestones.get(i - 1);
        }
        if (schedulers.isEmpty() || milestones.size() != schedulers.size() - 1 || !ascending) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "SequentialLR has %d schedules and the milestones %s, but needs one ascending milestone between each two."
                            .formatted(schedulers.size(), milestones));
        }
        if (schedulers.stream().map(Schedule::every).distinct().count() > 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "SequentialLR has schedules that go on with steps and others that go on with epochs. Give all the same 'every'.");
        }
    }

    @Override
    public Every every() {
        return schedulers.get(0).every();
    }

    @Override
    public Rates start(double rate) {
        return new Chain(
                milestones,
                schedulers.stream().map(schedule -> schedule.start(rate)).toList());
    }

    /** The rates of a group. */
    private static final class Chain implements Rates {

        private final List<Long> milestones;
        private final List<Rates> all;
        private long n;

        Chain(List<Long> milestones, List<Rates> all) {
            this.milestones = milestones;
            this.all = all;
        }

        private Rates current() {
            int passed = (int)
                    milestones.stream().filter(milestone -> milestone <= n).count();
            return all.get(passed);
        }

        @Override
        public double rate() {
            return current().rate();
        }

        @Override
        public OptionalDouble momentum() {
            return current().momentum();
        }

        @Override
        public void advance(double monitored) {
            n++;
            if (!milestones.contains(n)) {
                current().advance(monitored);
            }
        }

        @Override
        public void save(State state) {
            state.put("n", n);
            for (int i = 0; i < all.size(); i++) {
                all.get(i).save(state.at(String.valueOf(i)));
            }
        }

        @Override
        public void load(State state) {
            n = state.integer("n");
            for (int i = 0; i < all.size(); i++) {
                all.get(i).load(state.at(String.valueOf(i)));
            }
        }
    }
}
