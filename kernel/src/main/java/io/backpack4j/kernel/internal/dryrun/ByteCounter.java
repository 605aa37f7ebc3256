// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

import io.backpack4j.spi.backend.MemoryStatistics;

/** Counts the bytes that tensors would take. */
final class ByteCounter {

    private long open;
    private long used;
    private long peak;

    void add(long bytes) {
        open++;
        used += bytes;
        peak = Math.max(peak, used);
    }

    void remove(long bytes) {
        open--;
        used -= bytes;
    }

    void resetPeak() {
        peak = used;
    }

    MemoryStatistics statistics() {
        return new MemoryStatistics(open, used, peak, used, 0);
    }
}
