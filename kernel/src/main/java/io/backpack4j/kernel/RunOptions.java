package io.backpack4j.kernel;

/**
 * What one run of a plan is told.
 *
 * @param seed of random draws; the same seed gives the same numbers
 * @param listener is told how far the pass is
 * @param cancellation ends the pass
 */
public record RunOptions(long seed, PassListener listener, Cancellation cancellation) {

    /** A seed, no listener, and nothing that ends the pass but its thread's interruption. */
    public static RunOptions seed(long seed) {
        return new RunOptions(seed, PassListener.NONE, new Cancellation());
    }

    /** With a listener. */
    public RunOptions listener(PassListener other) {
        return new RunOptions(seed, other, cancellation);
    }

    /** With a way to end the pass. */
    public RunOptions cancellation(Cancellation other) {
        return new RunOptions(seed, listener, other);
    }
}
