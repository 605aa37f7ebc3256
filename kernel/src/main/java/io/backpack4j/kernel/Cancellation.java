// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/**
 * A way to end a pass from another thread: the pass ends at the next node with {@code [Cancelled]} and returns its
 * memory. A pass also ends when its own thread is interrupted, which needs no object; the thread stays interrupted.
 * Safe for threads; may serve several passes.
 */
public final class Cancellation {

    private volatile boolean cancelled;

    /** Ends the passes that this object was given to, those that start later too. */
    public void cancel() {
        cancelled = true;
    }

    /** Whether {@link #cancel} was called. */
    public boolean isCancelled() {
        return cancelled;
    }
}
