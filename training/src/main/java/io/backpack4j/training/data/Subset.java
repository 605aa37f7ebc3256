// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;

/** Neighbouring samples of a source, with the ids that they have there. */
public final class Subset implements DataSource {

    private final DataSource source;
    private final long from;
    private final long to;

    /**
     * Takes samples {@code from} (inclusive) to {@code to} (exclusive). The source stays the caller's; several parts of
     * it may be read at a time.
     *
     * @throws BackpackException if there are no such samples
     */
    public Subset(DataSource source, long from, long to) {
        if (from < 0 || to > source.samples() || from >= to) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "Samples %d to %d (exclusive) were asked of a data set that has %d."
                            .formatted(from, to, source.samples()));
        }
        this.source = source;
        this.from = from;
        this.to = to;
    }

    @Override
    public long samples() {
        return to - from;
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        long[] shifted = new long[numbers.length];
        for (int i = 0; i < shifted.length; i++) {
            shifted[i] = from + numbers[i];
        }
        synchronized (source) {
            return source.read(shifted, epoch);
        }
    }
}
