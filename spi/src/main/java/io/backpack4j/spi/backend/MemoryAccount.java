// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * Counts the memory that one thread takes from a backend while the account is open: tensors, and workspaces of
 * libraries. What was taken before does not count. Belongs to the thread that opened it.
 */
public interface MemoryAccount extends AutoCloseable {

    /** The most bytes in use at a time so far. */
    long peakBytes();

    /** The bytes in use now. */
    long usedBytes();

    /** Ends counting. What is in use stays. */
    @Override
    void close();
}
