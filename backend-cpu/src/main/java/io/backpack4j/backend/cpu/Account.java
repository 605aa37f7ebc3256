package io.backpack4j.backend.cpu;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.MemoryAccount;

/** What one thread has taken from the pool while it is counted. Guarded by the pool. */
final class Account implements MemoryAccount {

    /** Free memory that may be held beyond the plan: blocks of one size do not serve as another. */
    private static final long SLACK_BYTES = 16L << 20;

    private final MemoryPool pool;
    private final long plannedBytes;
    private final long limitBytes;
    private long usedBytes;
    private long peakBytes;

    Account(MemoryPool pool, long plannedBytes, long limitBytes) {
        this.pool = pool;
        this.plannedBytes = plannedBytes;
        this.limitBytes = limitBytes;
    }

    void require(long bytes) {
        if (bytes > limitBytes - usedBytes) {
            throw new BackpackException(
                    "OutOfMemory",
                    "%,d bytes are needed, but %,d of the budget of %,d are in use; %,d were planned."
                            .formatted(bytes, usedBytes, limitBytes, plannedBytes));
        }
    }

    void add(long bytes) {
        usedBytes += bytes;
        peakBytes = Math.max(peakBytes, usedBytes);
    }

    void subtract(long bytes) {
        usedBytes -= bytes;
    }

    /** How many free bytes the pool may keep once that many more are taken from the system. */
    long mayStayFree(long bytes) {
        return Math.max(0, plannedBytes - usedBytes - bytes) + SLACK_BYTES;
    }

    @Override
    public long peakBytes() {
        synchronized (pool) {
            return peakBytes;
        }
    }

    @Override
    public void close() {
        pool.closeAccount();
    }
}
