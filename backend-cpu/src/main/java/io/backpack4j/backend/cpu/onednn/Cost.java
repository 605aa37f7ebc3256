// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

/** About how many nanoseconds work takes on one thread: enough to tell what is worth sharing. */
final class Cost {

    private static final double PER_ELEMENT = 0.3;
    private static final double PER_STREAMED_ELEMENT = 0.07;
    private static final double PER_MULTIPLICATION = 0.012;

    private Cost() {}

    static double elements(long count) {
        return PER_ELEMENT * count;
    }

    /** Sums of few operands, which one thread makes as fast as the caches give them. */
    static double stream(long count) {
        return PER_STREAMED_ELEMENT * count;
    }

    static double product(long m, long n, long k) {
        return PER_MULTIPLICATION * m * n * k + PER_ELEMENT * (m * k + k * n + m * n) / 4;
    }
}
