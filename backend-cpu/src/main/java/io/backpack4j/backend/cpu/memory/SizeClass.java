// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

/**
 * Rounds sizes so that blocks can be shared by requests of similar size: eight classes per power of two, multiples of a
 * cache line.
 */
public final class SizeClass {

    public static final int ALIGNMENT = 64;

    private static final int SMALLEST_EXPONENT = 6;
    private static final int STEP_BITS = 3;

    /** The number of classes. */
    static final int COUNT = 1 + ((63 - SMALLEST_EXPONENT) << STEP_BITS);

    private SizeClass() {}

    /** The smallest class size that holds {@code bytes}. */
    static long round(long bytes) {
        if (bytes <= ALIGNMENT) {
            return ALIGNMENT;
        }
        long step = Math.max(ALIGNMENT, 1L << (exponent(bytes) - STEP_BITS));
        return (bytes + step - 1) / step * step;
    }

    /** The index of a class, given its size. */
    static int index(long size) {
        if (size <= ALIGNMENT) {
            return 0;
        }
        int exponent = exponent(size);
        int within = (int) ((size - (1L << exponent) - 1) >>> (exponent - STEP_BITS));
        return 1 + ((exponent - SMALLEST_EXPONENT) << STEP_BITS) + within;
    }

    /** The e with 2^e &lt; bytes &le; 2^(e+1). */
    private static int exponent(long bytes) {
        return 63 - Long.numberOfLeadingZeros(bytes - 1);
    }
}
