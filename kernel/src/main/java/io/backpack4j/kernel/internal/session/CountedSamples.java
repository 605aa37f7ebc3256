// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import java.util.Map;

/** The number of the samples, and nothing else. */
final class CountedSamples implements KnownSamples {

    private static final String COUNT = "sample_count";

    private long count;

    @Override
    public long count() {
        return count;
    }

    @Override
    public long[] ids() {
        throw new BackpackException(
                KernelProblems.UNKNOWN_RESULT,
                "The session keeps no ids. Open it with SessionOptions.ids(SampleIds.RANGES) or TRACKED.");
    }

    @Override
    public SampleOrder order() {
        throw new IllegalStateException("Results per sample are not kept without ids");
    }

    @Override
    public void requireNew(String from, long... added) {
        // Nobody can say.
    }

    @Override
    public void requireNew(String from, KnownSamples added) {
        // Nobody can say.
    }

    @Override
    public void addAll(long... added) {
        count += added.length;
    }

    @Override
    public void addAll(KnownSamples added) {
        count += added.count();
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        return Map.of(COUNT, HostNumbers.scalar(count));
    }

    @Override
    public void restore(SessionState state) {
        count = StateReader.count(state, COUNT);
    }
}
