// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import java.util.Map;

/** What is known of the samples so far. */
sealed interface KnownSamples permits CountedSamples, RangedSamples, TrackedSamples {

    /** None yet. */
    static KnownSamples none(SessionOptions options) {
        return switch (options.ids()) {
            case TRACKED -> new TrackedSamples();
            case RANGES -> new RangedSamples(options.perSample() == PerSample.KEEP);
            case NONE -> new CountedSamples();
        };
    }

    /** Those of a state. */
    static KnownSamples of(SessionState state, SessionOptions options) {
        KnownSamples samples = none(options);
        samples.restore(state);
        return samples;
    }

    long count();

    /** The ids in ascending order. */
    long[] ids();

    /** Where the samples stand by their ids. */
    SampleOrder order();

    /**
     * Checks that ids are new, and different from each other.
     *
     * @param from what the samples come with, for the message
     */
    void requireNew(String from, long... added);

    /** Checks that others are new; they are of the same kind. */
    void requireNew(String from, KnownSamples added);

    /** Adds those of a batch. */
    void addAll(long... added);

    /** Adds others, behind these. */
    void addAll(KnownSamples added);

    /** Everything that is needed to go on, by names in a state. */
    Map<String, SessionState.Numbers> state();

    /** Takes those of a state over, where there are none. */
    void restore(SessionState state);

    /** A sample that is there already. */
    static BackpackException duplicate(String from, String which) {
        return new BackpackException(
                KernelProblems.DUPLICATE_SAMPLE,
                "%s has %s. Every sample of a session needs an id of its own: give batches theirs with sampleIds(…)."
                        .formatted(from, which));
    }
}
