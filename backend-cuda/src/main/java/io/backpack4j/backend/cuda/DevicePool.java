// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

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
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Device memory that is given back to be taken again: a steady sequence of requests never asks the driver, which would
 * wait for the device. Blocks have references: handles on one block share it, and the last release frees it. Whoever
 * takes a block over from another stream waits for it there ({@link Streams}). Guarded by {@link Device}.
 */
final class DevicePool {

    /** Free memory below this is always kept. */
    private static final long KEPT_BYTES = 1L << 30;

    private final CudaApi api;
    private final Streams streams;
    private final BlockSizes sizes;
    private final TreeMap<Long, ArrayDeque<Block>> free = new TreeMap<>();
    private final Set<Block> blocks = Collections.newSetFromMap(new IdentityHashMap<>());
    private final MemoryAccounts accounts;
    private long openTensors;
    private long usedBytes;
    private long peakBytes;
    private long highestBytes;
    private long pooledBytes;
    private long systemAllocations;
    private long releases;

    /** @param lock the one that guards this pool */
    DevicePool(CudaApi api, Streams streams, BlockSizes sizes, Object lock) {
        this.accounts = new MemoryAccounts(lock);
        this.api = api;
        this.streams = streams;
        this.sizes = sizes;
    }

    /** A block of at least {@code bytes} bytes with one reference and undefined contents. */
    Block allocate(long bytes) {
        long size = sizes.round(bytes);
        Account account = accounts.current();
        if (account != null) {
            account.require(size);
        }
        ArrayDeque<Block> queue = free.get(size);
        Block block = queue == null ? null : queue.pollLast();
        if (block == null) {
            trim(account == null ? Math.max(KEPT_BYTES, 2 * highestBytes) : account.mayStayFree(size));
            block = fromSystem(size);
        }
        block.references = 1;
        block.account = account;
        if (account != null) {
            account.add(block.bytes);
        }
        usedBytes += block.bytes;
        peakBytes = Math.max(peakBytes, usedBytes);
        highestBytes = Math.max(highestBytes, usedBytes);
        return block;
    }

    void retain(Block block) {
        block.references++;
    }

    void release(Block block) {
        if (--block.references == 0 && blocks.contains(block)) {
            usedBytes -= block.bytes;
            Account account = block.account;
            if (account != null) {
                account.subtract(block.bytes);
                block.account = null;
            }
            block.freedAt = ++releases;
            block.written = null;
            free.computeIfAbsent(block.bytes, size -> new ArrayDeque<>()).addLast(block);
        }
    }

    /** Counts what this thread allocates until the account is closed. */
    MemoryAccount openAccount(long plannedBytes, long limitBytes) {
        Account account = accounts.open(plannedBytes, limitBytes);
        trim(account.mayStayFree(0));
        return account;
    }

    void tensorOpened() {
        openTensors++;
    }

    void tensorClosed() {
        openTensors--;
    }

    MemoryStatistics statistics() {
        return new MemoryStatistics(openTensors, usedBytes, peakBytes, pooledBytes, systemAllocations);
    }

    void resetPeak() {
        peakBytes = usedBytes;
    }

    /** Returns all memory to the system, used or not. */
    void close() {
        for (Block block : blocks) {
            api.free(block.address);
        }
        blocks.clear();
        free.clear();
        pooledBytes = 0;
        usedBytes = 0;
    }

    private Block fromSystem(long size) {
        long address = request(size);
        if (address == 0) {
            trim(0);
            address = request(size);
        }
        if (address == 0) {
            throw new BackpackException(
                    CommonProblems.OUT_OF_MEMORY,
                    ("%s gave no %,d bytes; this backend holds %,d already, %,d of them in use."
                                    + " Use a smaller batch or a memory budget, or ask for less at once.")
                            .formatted(api.device(), size, pooledBytes, usedBytes));
        }
        Block block = new Block(address, size);
        blocks.add(block);
        pooledBytes += size;
        systemAllocations++;
        return block;
    }

    /** The address of new memory, or 0 if there is none. */
    private long request(long size) {
        try {
            return api.allocate(size);
        } catch (CudaFailure failure) {
            if (failure.isOutOfMemory()) {
                return 0;
            }
            throw failure;
        }
    }

    /** Gives the longest unused blocks back to the system until no more than {@code limit} bytes are free. */
    private void trim(long limit) {
        while (pooledBytes - usedBytes > limit) {
            ArrayDeque<Block> queue = oldest();
            if (queue == null) {
                return;
            }
            Block block = queue.removeFirst();
            blocks.remove(block);
            pooledBytes -= block.bytes;
            streams.finish(block);
            api.free(block.address);
        }
    }

    private @Nullable ArrayDeque<Block> oldest() {
        ArrayDeque<Block> oldest = null;
        for (ArrayDeque<Block> queue : free.values()) {
            boolean older =
                    !queue.isEmpty() && (oldest == null || queue.getFirst().freedAt < oldest.getFirst().freedAt);
            oldest = older ? queue : oldest;
        }
        return oldest;
    }
}
