// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.backend.MemoryStatistics;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/** Counts as a pool would that keeps every freed block and hands it out again for the same size. */
final class HeapMemory {

    private final Set<HeapTensor> open = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Map<Long, Integer> freeBlocks = new HashMap<>();
    private long usedBytes;
    private long peakBytes;
    private long pooledBytes;
    private long systemAllocations;

    synchronized void opened(HeapTensor tensor) {
        open.add(tensor);
    }

    synchronized void closed(HeapTensor tensor) {
        open.remove(tensor);
    }

    synchronized void allocated(long bytes) {
        usedBytes += bytes;
        peakBytes = Math.max(peakBytes, usedBytes);
        int free = freeBlocks.getOrDefault(bytes, 0);
        if (free > 0) {
            freeBlocks.put(bytes, free - 1);
        } else {
            systemAllocations++;
            pooledBytes += bytes;
        }
    }

    synchronized void freed(long bytes) {
        usedBytes -= bytes;
        freeBlocks.merge(bytes, 1, Integer::sum);
    }

    synchronized void resetPeak() {
        peakBytes = usedBytes;
    }

    synchronized MemoryStatistics statistics() {
        return new MemoryStatistics(open.size(), usedBytes, peakBytes, pooledBytes, systemAllocations);
    }

    /** Fails if a tensor is open. */
    synchronized void requireEmpty() {
        if (!open.isEmpty()) {
            throw new IllegalStateException(open.size() + " tensors were not closed: " + open);
        }
    }
}
