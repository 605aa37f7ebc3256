// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/**
 * Options of a session.
 *
 * @param pass how the pass of every batch is split, and what it may use; the session's own memory stands beside it
 * @param seed of random draws, which are keyed by sample ids: however the data is split, the draws are the same
 * @param outputs whether the network's outputs are kept, {@code [N, *out]} in host memory
 */
public record SessionOptions(PassOptions pass, long seed, boolean outputs) {

    /** One chunk, seed 0, no outputs. */
    public static final SessionOptions DEFAULT = new SessionOptions(PassOptions.DEFAULT, 0, false);

    /** With other options of passes. */
    public SessionOptions pass(PassOptions options) {
        return new SessionOptions(options, seed, outputs);
    }

    /** With another seed. */
    public SessionOptions seed(long other) {
        return new SessionOptions(pass, other, outputs);
    }

    /** Keeping the network's outputs. */
    public SessionOptions keepOutputs() {
        return new SessionOptions(pass, seed, true);
    }
}
