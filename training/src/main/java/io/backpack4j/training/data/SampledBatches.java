// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;

/** Batches of the samples of a source, in an order that depends on (seed, epoch). */
public final class SampledBatches implements Batches {

    /** Who draws; see {@link RandomKey#stream}. */
    private static final long STREAM = 0x5348_5546L;

    private final DataSource source;
    private final int batch;
    private final boolean shuffled;
    private final boolean dropsLast;
    private final long seed;
    private long[] order = {};
    private long orderOf = -1;

    /**
     * Creates batches.
     *
     * @param source stays the caller's
     * @param batch samples per batch
     * @param shuffled whether samples come in another order in each epoch
     * @param dropsLast whether a last batch that is smaller than others is left out
     * @param seed of the order
     * @throws BackpackException if there would be no batch
     */
    public SampledBatches(DataSource source, int batch, boolean shuffled, boolean dropsLast, long seed) {
        this.source = source;
        this.batch = batch;
        this.shuffled = shuffled;
        this.dropsLast = dropsLast;
        this.seed = seed;
        if (perEpoch() == 0) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "%d samples make no batch of %d. Take smaller batches, or more data."
                            .formatted(source.samples(), batch));
        }
        if (shuffled && source.samples() > Integer.MAX_VALUE - 8) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "%d samples are more than can be shuffled. Take them in order.".formatted(source.samples()));
        }
    }

    @Override
    public long perEpoch() {
        return dropsLast ? source.samples() / batch : (source.samples() + batch - 1) / batch;
    }

    @Override
    public long samplesPerEpoch() {
        return dropsLast ? perEpoch() * batch : source.samples();
    }

    @Override
    public BatchData read(long epoch, long number) {
        long from = number * batch;
        int count = (int) Math.min(batch, source.samples() - from);
        long[] numbers = new long[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = shuffled ? order(epoch)[(int) from + i] : from + i;
        }
        return source.read(numbers, epoch);
    }

    /** Fisher and Yates' shuffle with draws that are a function of (seed, epoch, place). */
    private long[] order(long epoch) {
        if (orderOf != epoch) {
            long[] drawn = new long[(int) source.samples()];
            var key = new RandomKey(seed, STREAM, 0);
            for (int i = 0; i < drawn.length; i++) {
                int j = (int) (CounterRandom.uniform(key, epoch, i) * (i + 1));
                drawn[i] = drawn[j];
                drawn[j] = i;
            }
            order = drawn;
            orderOf = epoch;
        }
        return order;
    }
}
