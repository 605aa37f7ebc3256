package io.backpack4j.kernel.internal.pass;

import java.util.stream.LongStream;

/**
 * How a pass is split.
 *
 * @param chunkSamples how many samples are taken at a time
 * @param blockColumns how many columns of a signal travel at a time, where the signal allows
 * @param sampled whether only some parts are walked: the first, the second and the last, which take as much memory as all
 */
public record Splitting(long chunkSamples, long blockColumns, boolean sampled) {

    /** One that walks everything. */
    public Splitting(long chunkSamples, long blockColumns) {
        this(chunkSamples, blockColumns, false);
    }

    /** The same, walking some parts only. */
    public Splitting ofSomeParts() {
        return new Splitting(chunkSamples, blockColumns, true);
    }

    /** The numbers of the parts that are walked. */
    LongStream parts(long count) {
        return sampled && count > 3 ? LongStream.of(0, 1, count - 1) : LongStream.range(0, count);
    }
}
