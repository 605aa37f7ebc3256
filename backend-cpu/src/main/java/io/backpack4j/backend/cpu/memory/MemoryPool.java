// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.backend.MemoryAccounts;
import io.backpack4j.spi.backend.MemoryAccounts.Account;
import io.backpack4j.spi.backend.MemoryStatistics;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * Native memory that is given back to be taken again. A steady sequence of requests finds all its blocks here and never
 * asks the system. Blocks have references: handles on one block share it, and the last release frees it.
 */
public final class MemoryPool {

    /** Free memory below this is always kept. */
    private static final long KEPT_BYTES = 256L << 20;

    /** Requests below this take no larger blocks: they would save little. */
    private static final long SMALLEST_SHARED = 1L << 20;

    /**
     * Bytes behind every block that belong to nobody: oneDNN's comparisons for AVX-512 read whole vectors where only a
     * part belongs to their operand. The results are right, but a page that is not there ends the process.
     */
    static final int BEHIND = 64;

    @SuppressWarnings({"unchecked", "rawtypes"})
    private final ArrayDeque<Block>[] free = new ArrayDeque[SizeClass.COUNT];

    private final long limit;
    private final HugePages hugePages;
    private final Set<Block> blocks = Collections.newSetFromMap(new IdentityHashMap<>());
    private long openTensors;
    private long usedBytes;
    private long peakBytes;
    private long highestBytes;
    private long pooledBytes;
    private long reservedBytes;
    private long systemAllocations;
    private long releases;

    private final MemoryAccounts accounts = new MemoryAccounts(this);

    /** With ordinary pages; {@code limit} is how many bytes may be held from the system. */
    public MemoryPool(long limit) {
        this(limit, HugePages.NONE);
    }

    /**
     * An empty pool.
     *
     * @param limit how many bytes may be held from the system
     * @param hugePages for large blocks
     */
    MemoryPool(long limit, HugePages hugePages) {
        this.limit = limit;
        this.hugePages = hugePages;
    }

    /** A block of at least {@code bytes} bytes with one reference and undefined contents. */
    public synchronized Block allocate(long bytes) {
        Account account = accounts.current();
        if (account != null) {
            account.require(SizeClass.round(bytes));
        }
        Block block = take(bytes, account);
        block.account = account;
        if (account != null) {
            account.add(block.bytes);
        }
        usedBytes += block.bytes;
        peakBytes = Math.max(peakBytes, usedBytes);
        highestBytes = Math.max(highestBytes, usedBytes);
        return block;
    }

    /** A block for constants that kernels keep: it counts as held from the system, not as used. */
    public synchronized Block reserve(long bytes) {
        Block block = take(bytes, accounts.current());
        reservedBytes += block.bytes;
        return block;
    }

    private Block take(long bytes, @Nullable Account account) {
        long size = SizeClass.round(bytes);
        Block block = poll(SizeClass.index(size));
        if (block == null && account == null && size >= SMALLEST_SHARED) {
            block = larger(size);
        }
        if (block == null) {
            trim(account == null ? Math.max(KEPT_BYTES, 2 * highestBytes) : account.mayStayFree(size));
            block = fromSystem(size, hugePages.unless(account != null, size));
        }
        block.references = 1;
        block.requested = bytes;
        block.arrangement = null;
        return block;
    }

    private @Nullable Block poll(int index) {
        ArrayDeque<Block> queue = free[index];
        return queue == null ? null : queue.pollLast();
    }

    /** The smallest free block of at most twice the size. Accounts get none, since they count what blocks take. */
    private @Nullable Block larger(long size) {
        int last = SizeClass.index(2 * size);
        Block block = null;
        for (int i = SizeClass.index(size) + 1; block == null && i <= last; i++) {
            block = poll(i);
        }
        return block;
    }

    public synchronized void release(Block block) {
        if (--block.references == 0 && blocks.contains(block)) {
            usedBytes -= block.bytes;
            Account account = block.account;
            if (account != null) {
                account.subtract(block.bytes);
                block.account = null;
            }
            giveBack(block);
            PendingPlanes pending = block.pending;
            if (pending != null) {
                pending.close();
            }
        }
    }

    /** Ends {@link #reserve}. */
    public synchronized void unreserve(Block block) {
        reservedBytes -= block.bytes;
        giveBack(block);
    }

    private void giveBack(Block block) {
        block.freedAt = ++releases;
        int index = SizeClass.index(block.bytes);
        if (free[index] == null) {
            free[index] = new ArrayDeque<>();
        }
        free[index].addLast(block);
    }

    /** How many bytes may be held from the system. */
    long limit() {
        return limit;
    }

    /** Counts what this thread allocates until the account is closed. */
    synchronized MemoryAccount openAccount(long plannedBytes, long limitBytes) {
        Account account = accounts.open(plannedBytes, limitBytes);
        trim(account.mayStayFree(0));
        return account;
    }

    /** A block for a tensor. */
    synchronized Block allocateTensor(long bytes) {
        Block block = allocate(bytes);
        openTensors++;
        return block;
    }

    /** Another tensor on a block. */
    synchronized void shareTensor(Block block) {
        block.references++;
        openTensors++;
    }

    /** A tensor on a block is gone. */
    synchronized void closeTensor(Block block) {
        openTensors--;
        release(block);
    }

    public synchronized MemoryStatistics statistics() {
        return new MemoryStatistics(openTensors, usedBytes, peakBytes, pooledBytes, systemAllocations);
    }

    synchronized void resetPeak() {
        peakBytes = usedBytes;
    }

    /** Returns all memory to the system, used or not. */
    public synchronized void close() {
        for (ArrayDeque<Block> queue : free) {
            if (queue != null) {
                queue.clear();
            }
        }
        for (Block block : blocks) {
            Pointer.free(new Address().at(block.allocation));
        }
        blocks.clear();
        pooledBytes = 0;
        usedBytes = 0;
    }

    private Block fromSystem(long size, HugePages pages) {
        if (size > limit - pooledBytes) {
            trim(Math.max(0, limit - size - usedBytes - reservedBytes));
        }
        if (size > limit - pooledBytes) {
            throw new BackpackException(
                    CommonProblems.OUT_OF_MEMORY,
                    ("%,d bytes are needed, but only %,d are left of the %,d that this backend may hold, as backpack.cpu.memory or the machine says."
                                    + " Use a smaller batch, or ask for less at once.")
                            .formatted(size, limit - pooledBytes, limit));
        }
        // Of what alignment leaves unused before a large block, nothing is ever touched: it takes addresses, not
        // memory.
        long alignment = pages.alignment(size);
        long request = size + alignment + BEHIND;
        Pointer memory = Pointer.malloc(request);
        if (memory == null || memory.isNull()) {
            trim(0);
            memory = Pointer.malloc(request);
        }
        if (memory == null || memory.isNull()) {
            throw new BackpackException(
                    CommonProblems.OUT_OF_MEMORY,
                    ("The system gave no %,d bytes; this backend holds %,d already, %,d of them in use."
                                    + " Use a smaller batch, or ask for less at once.")
                            .formatted(size, pooledBytes, usedBytes));
        }
        long allocation = memory.address();
        long aligned = (allocation + alignment - 1) & -alignment;
        pages.advise(aligned, size);
        Block block = new Block(allocation, aligned, size);
        blocks.add(block);
        pooledBytes += size;
        systemAllocations++;
        return block;
    }

    /** Gives the longest unused blocks back to the system until no more than {@code limit} bytes are free. */
    private void trim(long limit) {
        while (pooledBytes - usedBytes - reservedBytes > limit) {
            ArrayDeque<Block> oldest = null;
            for (ArrayDeque<Block> queue : free) {
                if (queue != null
                        && !queue.isEmpty()
                        && (oldest == null || queue.getFirst().freedAt < oldest.getFirst().freedAt)) {
                    oldest = queue;
                }
            }
            if (oldest == null) {
                return;
            }
            Block block = oldest.removeFirst();
            blocks.remove(block);
            pooledBytes -= block.bytes;
            Pointer.free(new Address().at(block.allocation));
        }
    }
}
