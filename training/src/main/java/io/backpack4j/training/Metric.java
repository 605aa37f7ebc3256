// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.HostTensor;

/** A number that says how good outputs are: an immutable description. */
public interface Metric {

    /** Its name in logs, behind {@code train_} and {@code valid_}, such as {@code accuracy}. */
    String name();

    /** Whether more is better. */
    default boolean higherIsBetter() {
        return true;
    }

    /** Starts counting. */
    Sum start();

    /** What was counted so far. */
    interface Sum {

        /**
         * Adds some samples.
         *
         * @param shape of the outputs, {@code [N, *out]}
         * @param outputs row-major
         * @param targets {@code [N, *]}
         */
        void add(Shape shape, double[] outputs, HostTensor targets);

        /** The metric of all that was added; NaN of nothing. */
        double value();

        /** Puts what was counted into a checkpoint, for runs that stop within an epoch. */
        void save(State state);

        /** Goes on where {@link #save} stood. */
        void load(State state);
    }
}
