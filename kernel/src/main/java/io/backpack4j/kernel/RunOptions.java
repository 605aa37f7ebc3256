package io.backpack4j.kernel;

import java.util.Optional;

/**
 * What one run of a plan is told.
 *
 * @param seed of random draws; the same seed gives the same numbers
 * @param listener is told how far the pass is
 * @param cancellation ends the pass
 * @param taker of results that leave the pass part by part, for plans of {@link PassOptions#handingOver}
 */
public record RunOptions(long seed, PassListener listener, Cancellation cancellation, Optional<ResultTaker> taker) {

    /** Without a taker. */
    public RunOptions(long seed, PassListener listener, Cancellation cancellation) {
        this(seed, listener, cancellation, Optional.empty());
    }

    /** A seed, no listener, and nothing that ends the pass but its thread's interruption. */
    public static RunOptions seed(long seed) {
        return new RunOptions(seed, PassListener.NONE, new Cancellation());
    }

    /** With a listener. */
    public RunOptions listener(PassListener other) {
        return new RunOptions(seed, other, cancellation, taker);
    }

    /** With a way to end the pass. */
    public RunOptions cancellation(Cancellation other) {
        return new RunOptions(seed, listener, other, taker);
    }

    /** With somebody who takes results part by part. */
    public RunOptions taker(ResultTaker other) {
        return new RunOptions(seed, listener, cancellation, Optional.of(other));
    }
}
