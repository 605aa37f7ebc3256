// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

/**
 * Batches by number, the same whenever they are asked for: a run can go on anywhere. Read by one thread at a time, not
 * the one that trains.
 */
public interface Batches extends AutoCloseable {

    /** How many batches an epoch has. */
    long perEpoch();

    /** How many samples an epoch has. */
    long samplesPerEpoch();

    /**
     * Reads a batch.
     *
     * @param epoch from 1 on
     * @param number from 0 on, within the epoch
     */
    BatchData read(long epoch, long number);

    @Override
    default void close() {}
}
