// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import org.jspecify.annotations.Nullable;

/**
 * The accounts of a backend's pool, one per thread, for {@link Backend#openAccount}. The pool asks for the {@link
 * #current} one when it allocates, and keeps with every block to whose account it was added. All methods are called
 * under the pool's lock, which is given, except that accounts may be read and closed at any time.
 */
public final class MemoryAccounts {

    /** Free memory that may be held beyond the plan: blocks of one size do not serve as another. */
    private static final long SLACK_BYTES = 16L << 20;

    private final Object lock;
    private final ThreadLocal<@Nullable Account> current = new ThreadLocal<>();

    /** @param lock the pool's */
    public MemoryAccounts(Object lock) {
        this.lock = lock;
    }

    /**
     * Opens this thread's account.
     *
     * @throws IllegalStateException if it has one
     */
    public Account open(long plannedBytes, long limitBytes) {
        if (current.get() != null) {
            throw new IllegalStateException("This thread has an account already");
        }
        Account account = new Account(plannedBytes, limitBytes);
        current.set(account);
        return account;
    }

    /** This thread's account, if it has one. */
    public @Nullable Account current() {
        return current.get();
    }

    /** What one thread takes. */
    public final class Account implements MemoryAccount {

        private final long plannedBytes;
        private final long limitBytes;
        private long usedBytes;
        private long peakBytes;

        private Account(long plannedBytes, long limitBytes) {
            this.plannedBytes = plannedBytes;
            this.limitBytes = limitBytes;
        }

        /**
         * Checks that a block may be taken.
         *
         * @throws BackpackException {@code [OutOfMemory]} if it may not
         */
        public void require(long bytes) {
            if (bytes > limitBytes - usedBytes) {
                throw new BackpackException(
                        CommonProblems.OUT_OF_MEMORY,
                        "%,d bytes are needed, but %,d of the budget of %,d are in use; %,d were planned."
                                .formatted(bytes, usedBytes, limitBytes, plannedBytes));
            }
        }

        /** Adds a block. */
        public void add(long bytes) {
            usedBytes += bytes;
            peakBytes = Math.max(peakBytes, usedBytes);
        }

        /** Takes a block off that was added. */
        public void subtract(long bytes) {
            usedBytes -= bytes;
        }

        /** How many free bytes the pool may keep once that many more are taken from the system. */
        public long mayStayFree(long bytes) {
            return Math.max(0, plannedBytes - usedBytes - bytes) + SLACK_BYTES;
        }

        @Override
        public long peakBytes() {
            synchronized (lock) {
                return peakBytes;
            }
        }

        @Override
        public long usedBytes() {
            synchronized (lock) {
                return usedBytes;
            }
        }

        @Override
        public void close() {
            current.remove();
        }
    }
}
