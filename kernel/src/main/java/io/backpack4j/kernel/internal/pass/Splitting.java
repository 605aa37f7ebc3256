package io.backpack4j.kernel.internal.pass;

/**
 * How a pass is split.
 *
 * @param chunkSamples how many samples are taken at a time
 * @param blockColumns how many columns of a signal travel at a time, where the signal allows
 */
public record Splitting(long chunkSamples, long blockColumns) {}
