// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;

/**
 * Samples with numbers 0, 1, …, read when they are needed: data may be larger than memory. Read by one thread at a
 * time, not the one that trains.
 */
public interface DataSource extends AutoCloseable {

    /** How many samples there are. */
    long samples();

    /**
     * Reads samples. Their ids are their numbers, unless the source says otherwise.
     *
     * @param numbers of the samples, in the order wanted
     * @param epoch from 1 on, for what changes samples from epoch to epoch
     * @return arrays of the caller's
     * @throws BackpackException if a sample cannot be used, with its file and line
     */
    BatchData read(long[] numbers, long epoch);

    @Override
    default void close() {}
}
