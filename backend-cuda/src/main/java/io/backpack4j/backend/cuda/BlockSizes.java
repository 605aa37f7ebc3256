// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

/** Rounds sizes, so that blocks can be shared by requests of similar size. */
interface BlockSizes {

    /** Alignment of the driver's allocations. */
    long ALIGNMENT = 256;

    /** Steps per power of two. */
    int STEP_BITS = 3;

    /** The size of a block for {@code bytes}. */
    long round(long bytes);

    /** Eight sizes per power of two, multiples of the alignment. */
    static long eighths(long bytes) {
        if (bytes <= ALIGNMENT) {
            return ALIGNMENT;
        }
        int exponent = 63 - Long.numberOfLeadingZeros(bytes - 1);
        long step = Math.max(ALIGNMENT, 1L << (exponent - STEP_BITS));
        return (bytes + step - 1) / step * step;
    }
}
