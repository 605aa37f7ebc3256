// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Arrangement;
import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.memory.PendingPlanes;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Cotangents on their way to the places of maxima, not written yet. A plane that is written for all samples at once
 * goes to memory and comes back, for a convolution of 64 channels at 28 × 28 positions four times what was scattered.
 * Who reads cotangents sample by sample has them written so, in the cache; sums over positions need them not at all.
 * For everybody else they are written as a whole, see {@link NativeBackend#asItLies}.
 *
 * <p>What is scattered, and the places, stay as they are until then: whoever is about to touch them has the cotangents
 * written first.
 */
final class PendingScatter implements PendingPlanes {

    private final DnnlPooling pooling;
    private final WindowSizes sizes;
    private final long channels;
    private final Block target;
    private final TensorScope scope;
    private final CpuTensor source;
    private final CpuTensor indices;
    private final long cotangents;
    private final long placeBytes;

    private PendingScatter(
            DnnlPooling pooling,
            WindowElements elements,
            Block target,
            TensorScope scope,
            CpuTensor source,
            CpuTensor indices,
            long cotangents) {
        this.pooling = pooling;
        this.sizes = elements.pooling();
        this.channels = elements.channels();
        this.target = target;
        this.scope = scope;
        this.source = source;
        this.indices = indices;
        this.cotangents = cotangents;
        this.placeBytes = pooling.placeBytes(sizes, channels);
    }

    /**
     * Leaves {@code target} unwritten.
     *
     * @param elements of the pooling
     * @param scope owns the handles of {@code source} and {@code indices} and what {@code cotangents} needs; closed
     *     when nothing is pending any more
     * @param cotangents the address of the source's elements, channels last
     */
    static void begin(
            DnnlPooling pooling,
            WindowElements elements,
            Block target,
            TensorScope scope,
            CpuTensor source,
            CpuTensor indices,
            long cotangents) {
        var pending = new PendingScatter(pooling, elements, target, scope, source, indices, cotangents);
        target.arrangement = null;
        target.pending = pending;
        source.block.readers.add(pending);
        indices.block.readers.add(pending);
    }

    @Override
    public long samples() {
        return sizes.batch;
    }

    @Override
    public Arrangement.ChannelsLast order() {
        return new Arrangement.ChannelsLast(channels, sizes.inputPositions());
    }

    @Override
    public Arrangement.ChannelsLast sourceOrder() {
        return new Arrangement.ChannelsLast(channels, sizes.outputPositions());
    }

    @Override
    public long source(long b) {
        return cotangents + b * channels * sizes.outputPositions() * Float.BYTES;
    }

    /**
     * Writes the planes of {@code count} samples of one column, from sample {@code b} of all columns on, to
     * {@code address}. Threads may write some each.
     */
    void write(DnnlContext context, long b, long count, long address) {
        long places = indices.address() + b % sizes.batch * placeBytes;
        DnnlPooling.scatter(context, sizes.of(count), channels, source(b), places, address);
    }

    @Override
    public void settle() {
        long plane = channels * sizes.inputPositions() * Float.BYTES;
        long count = target.requested / plane;
        DnnlContext context = pooling.context();
        for (long b = 0; b < count; b += sizes.batch) {
            write(context, b, sizes.batch, target.address + b * plane);
        }
        Arrangement.ChannelsLast order = order();
        target.arrangement = order.isRowMajor() ? null : order;
        close();
    }

    @Override
    public void close() {
        target.pending = null;
        source.block.readers.remove(this);
        indices.block.readers.remove(this);
        scope.close();
    }
}
