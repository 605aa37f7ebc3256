// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import java.util.OptionalDouble;

/**
 * How learning rates change in the course of training: an immutable description. Names, arguments and values are those
 * of {@code torch.optim.lr_scheduler}.
 */
public interface Schedule {

    /** The rate stays what it is. */
    Schedule CONSTANT = new ConstantSchedule();

    /** When a schedule goes on. */
    enum Every {
        /** After each step. */
        STEP,
        /** After each epoch. */
        EPOCH
    }

    /** When it goes on. */
    Every every();

    /**
     * Starts.
     *
     * @param rate the rate of the optimiser, or of a group of parameters
     */
    Rates start(double rate);

    /** The rates of one group of parameters. Used by one thread. */
    interface Rates {

        /** The rate now. */
        double rate();

        /** What the optimiser's momentum, or β₁, is now, if this changes it. */
        default OptionalDouble momentum() {
            return OptionalDouble.empty();
        }

        /**
         * Goes on.
         *
         * @param monitored the metric that is watched, where there is one: the validation's loss, or the training's
         */
        void advance(double monitored);

        /** Puts what it remembers into a checkpoint. */
        void save(State state);

        /** Goes on where {@link #save} stood. */
        void load(State state);
    }
}
