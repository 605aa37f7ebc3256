// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

/**
 * Options of a session. With {@link SampleIds#RANGES} or {@link SampleIds#NONE} and without {@link PerSample#KEEP}, its
 * state does not grow with the number of samples.
 *
 * @param pass how the pass of every batch is split, and what it may use; the session's own memory stands beside it
 * @param seed of random draws, which are keyed by sample ids: however the data is split, the draws are the same
 * @param outputs whether the network's outputs are among the results per sample, {@code [N, *out]}
 * @param ids how samples are known
 * @param perSample what becomes of results per sample
 */
public record SessionOptions(PassOptions pass, long seed, boolean outputs, SampleIds ids, PerSample perSample) {

    /** One chunk, seed 0, no outputs; ids are tracked, and results per sample kept. */
    public static final SessionOptions DEFAULT =
            new SessionOptions(PassOptions.DEFAULT, 0, false, SampleIds.TRACKED, PerSample.KEEP);

    /** With other options of passes. */
    public SessionOptions pass(PassOptions options) {
        return new SessionOptions(options, seed, outputs, ids, perSample);
    }

    /** With another seed. */
    public SessionOptions seed(long other) {
        return new SessionOptions(pass, other, outputs, ids, perSample);
    }

    /** With the network's outputs among the results per sample. */
    public SessionOptions keepOutputs() {
        return new SessionOptions(pass, seed, true, ids, perSample);
    }

    /** With another way to know samples. */
    public SessionOptions ids(SampleIds other) {
        return new SessionOptions(pass, seed, outputs, other, perSample);
    }

    /** With results per sample kept, handed over or dropped. */
    public SessionOptions perSample(PerSample other) {
        return new SessionOptions(pass, seed, outputs, ids, other);
    }
}
