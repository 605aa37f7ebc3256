// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

/**
 * Numbers of blocks and of threads in each. They follow from shapes alone, so that results do not depend on the device.
 *
 * @param blocks blocks
 * @param threads threads of a block
 * @param work how many pieces of work they share
 */
record Grid(int blocks, int threads, long work) {

    /** Threads of a block; BLOCK in the kernels. */
    static final int THREADS = 256;

    /** More blocks than any device holds at a time; further work is done in further steps of the same threads. */
    private static final long MOST_BLOCKS = 1 << 16;

    /** A thread per piece of work. */
    static Grid threads(long work) {
        return new Grid((int) Math.min(MOST_BLOCKS, Math.max(1, (work + THREADS - 1) / THREADS)), THREADS, work);
    }

    /** A block per piece of work. */
    static Grid blocks(long work) {
        return new Grid((int) Math.min(MOST_BLOCKS, Math.max(1, work)), THREADS, work);
    }
}
