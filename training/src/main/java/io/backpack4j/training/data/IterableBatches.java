// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Batches of any {@link Iterable}, which is iterated anew for each epoch, and to the place where a resumed run goes on.
 */
public final class IterableBatches implements Batches {

    private final Iterable<BatchData> batches;
    private final long perEpoch;
    private final long samplesPerEpoch;
    private @Nullable Iterator<BatchData> iterator;
    private long epoch;
    private long next;

    /**
     * Takes batches as they come.
     *
     * @param batches gives the same ones in each iteration, or others: then a resumed run sees others, too
     * @param perEpoch how many of them an epoch has
     * @param samplesPerEpoch how many samples these have
     */
    public IterableBatches(Iterable<BatchData> batches, long perEpoch, long samplesPerEpoch) {
        this.batches = batches;
        this.perEpoch = perEpoch;
        this.samplesPerEpoch = samplesPerEpoch;
    }

    @Override
    public long perEpoch() {
        return perEpoch;
    }

    @Override
    public long samplesPerEpoch() {
        return samplesPerEpoch;
    }

    @Override
    public BatchData read(long wantedEpoch, long number) {
        Iterator<BatchData> current = iterator;
        if (current == null || wantedEpoch != epoch || number < next) {
            current = batches.iterator();
            iterator = current;
            epoch = wantedEpoch;
            next = 0;
        }
        while (true) {
            if (!current.hasNext()) {
                throw new BackpackException(
                        DataProblems.BAD_DATA,
                        "The data ended after %d batches, but an epoch was said to have %d.".formatted(next, perEpoch));
            }
            BatchData batch = current.next();
            if (next++ == number) {
                return batch;
            }
        }
    }
}
