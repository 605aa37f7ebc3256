// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

/**
 * Planes that are made of other blocks and not written yet. Reading them, or changing what they are made of, settles
 * them.
 */
public interface PendingPlanes extends AutoCloseable {

    /** N, the samples of one column. */
    long samples();

    /** Layout of the planes of a whole block of samples once they are written. */
    Arrangement.ChannelsLast order();

    /** Layout of the planes that they are made of. They have the same sums. */
    Arrangement.ChannelsLast sourceOrder();

    /** The address of what sample {@code b} of all columns is made of, channels last. */
    long source(long b);

    /** Writes everything where it belongs. */
    void settle();

    /** Forgets it: nobody will read the target. */
    @Override
    void close();
}
