// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.ScopedTensor;
import io.backpack4j.spi.tensor.Shape;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A handle on row-major elements in a block. The unchecked accessors are for kernels, which know their ranges. */
public final class CpuTensor extends ScopedTensor {

    public final Block block;

    /** Offset of the first element, in bytes from the block's start. */
    public final long offset;

    public final long elements;

    private final NativeBackend backend;

    CpuTensor(NativeBackend backend, CpuScope scope, Block block, long offset, Shape shape, DType dtype) {
        super(scope, shape, dtype);
        this.backend = backend;
        this.block = block;
        this.offset = offset;
        this.elements = shape.elements();
    }

    @Override
    protected void free() {
        backend.pool().closeTensor(block);
    }

    /** Whether this handle covers all that was allocated. */
    public boolean coversBlock() {
        return offset == 0 && elements * dtype().bytes() == block.requested;
    }

    /** Whether this handle consists of whole planes, if its block keeps planes. */
    public boolean isAligned() {
        if (block.arrangement instanceof Arrangement.ChannelsLast last) {
            long plane = last.channels() * last.positions();
            return elements % plane == 0 && offset % (plane * dtype().bytes()) == 0;
        }
        return block.arrangement == null || coversBlock();
    }

    /** Whether the axes before {@code spatial} trailing ones are channels, and the block keeps them last. */
    public boolean isChannelsLast(int spatial) {
        int channelAxis = shape().rank() - spatial - 1;
        return block.arrangement instanceof Arrangement.ChannelsLast last
                && channelAxis >= 0
                && shape().size(channelAxis) == last.channels()
                && shape().elements(channelAxis + 1, shape().rank()) == last.positions()
                && isAligned();
    }

    /** Planes that are still to be written to this tensor, if it consists of some; otherwise null. */
    @Nullable
    public PendingPlanes pendingPlanes(int spatial) {
        PendingPlanes pending = block.pending;
        int channelAxis = shape().rank() - spatial - 1;
        if (pending == null || channelAxis < 1) {
            return null;
        }
        long channels = shape().size(channelAxis);
        long positions = shape().elements(channelAxis + 1, shape().rank());
        long plane = channels * positions * dtype().bytes();
        boolean ordered = channels == pending.order().channels()
                && positions == pending.order().positions();
        // a run of samples of one column, or whole columns
        long first = offset / Math.max(1, plane);
        long count = shape().elements(0, channelAxis);
        long samples = pending.samples();
        boolean columns = first % samples == 0 && count % samples == 0;
        boolean whole = ordered && offset % plane == 0 && (columns || first % samples + count <= samples);
        return whole ? pending : null;
    }

    public boolean isSingle() {
        return dtype() == DType.FLOAT32;
    }

    /** The native address of the first element. */
    public long address() {
        return block.address + offset;
    }

    public long at(long element) {
        return offset + element * dtype().bytes();
    }

    @Override
    public void read(long from, double[] target, int position, int count) {
        checkRange(from, count);
        Scratch scratch = Scratch.get();
        switch (dtype()) {
            case FLOAT64 -> block.get(at(from), target, position, count);
            case FLOAT32 -> {
                float[] part = scratch.floats;
                for (int done = 0; done < count; done += part.length) {
                    int length = Math.min(part.length, count - done);
                    block.get(at(from + done), part, 0, length);
                    widen(part, target, position + done, length);
                }
            }
            case INT64 -> {
                long[] part = scratch.longs;
                for (int done = 0; done < count; done += part.length) {
                    int length = Math.min(part.length, count - done);
                    block.get(at(from + done), part, 0, length);
                    for (int i = 0; i < length; i++) {
                        target[position + done + i] = part[i];
                    }
                }
            }
        }
    }

    @Override
    public void read(long from, float[] target, int position, int count) {
        checkRange(from, count);
        switch (dtype()) {
            case FLOAT32 -> block.get(at(from), target, position, count);
            case FLOAT64 -> {
                double[] part = Scratch.get().a;
                for (int done = 0; done < count; done += part.length) {
                    int length = Math.min(part.length, count - done);
                    block.get(at(from + done), part, 0, length);
                    for (int i = 0; i < length; i++) {
                        target[position + done + i] = (float) part[i];
                    }
                }
            }
            case INT64 -> requireFloating(true, "read as floats");
        }
    }

    @Override
    public void read(long from, long[] target, int position, int count) {
        checkRange(from, count);
        requireFloating(false, "read as integers");
        block.get(at(from), target, position, count);
    }

    @Override
    public void write(long from, double[] source, int position, int count) {
        checkRange(from, count);
        Scratch scratch = Scratch.get();
        switch (dtype()) {
            case FLOAT64 -> block.put(at(from), source, position, count);
            case FLOAT32 -> {
                float[] part = scratch.floats;
                for (int done = 0; done < count; done += part.length) {
                    int length = Math.min(part.length, count - done);
                    narrow(source, position + done, part, length);
                    block.put(at(from + done), part, 0, length);
                }
            }
            case INT64 -> {
                long[] part = scratch.longs;
                for (int done = 0; done < count; done += part.length) {
                    int length = Math.min(part.length, count - done);
                    for (int i = 0; i < length; i++) {
                        part[i] = (long) source[position + done + i];
                    }
                    block.put(at(from + done), part, 0, length);
                }
            }
        }
    }

    @Override
    public void write(long from, float[] source, int position, int count) {
        if (dtype() == DType.FLOAT32) {
            checkRange(from, count);
            block.put(at(from), source, position, count);
            return;
        }
        double[] part = Scratch.get().a;
        for (int done = 0; done < count; done += part.length) {
            int length = Math.min(part.length, count - done);
            for (int i = 0; i < length; i++) {
                part[i] = source[position + done + i];
            }
            write(from + done, part, 0, length);
        }
    }

    @Override
    public void write(long from, long[] source, int position, int count) {
        checkRange(from, count);
        requireFloating(false, "written as integers");
        block.put(at(from), source, position, count);
    }

    /** ND4J's view of all elements, as a vector. */
    public INDArray flat() {
        return block.arrays().flat(this);
    }

    /** Loads elements of a floating tensor as doubles. */
    public void load(long from, double[] target, int count) {
        if (dtype() == DType.FLOAT64) {
            block.get(offset + (from << 3), target, 0, count);
            return;
        }
        float[] part = Scratch.get().floats;
        block.get(offset + (from << 2), part, 0, count);
        widen(part, target, 0, count);
    }

    /** Stores doubles as elements of a floating tensor. */
    public void store(long from, double[] source, int count) {
        if (dtype() == DType.FLOAT64) {
            block.put(offset + (from << 3), source, 0, count);
            return;
        }
        float[] part = Scratch.get().floats;
        narrow(source, 0, part, count);
        block.put(offset + (from << 2), part, 0, count);
    }

    private static void widen(float[] values, double[] target, int position, int count) {
        for (int i = 0; i < count; i++) {
            target[position + i] = values[i];
        }
    }

    private static void narrow(double[] source, int position, float[] values, int count) {
        for (int i = 0; i < count; i++) {
            values[i] = (float) source[position + i];
        }
    }

    private void checkRange(long from, int count) {
        requireRange(from, count);
        backend.makeRowMajor(block);
    }
}
