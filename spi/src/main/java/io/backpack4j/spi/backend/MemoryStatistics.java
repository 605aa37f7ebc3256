// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * What a backend's pool holds.
 *
 * @param openTensors handles that are not closed
 * @param usedBytes memory behind open handles and library workspaces
 * @param peakBytes the highest {@code usedBytes} since the last reset
 * @param pooledBytes memory held from the system, used or not
 * @param systemAllocations how often the pool had to ask the system for memory since the backend was opened
 */
public record MemoryStatistics(
        long openTensors, long usedBytes, long peakBytes, long pooledBytes, long systemAllocations) {}
