// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import io.backpack4j.spi.backend.MemoryAccounts.Account;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run of native memory that tensors and workspaces share. Offsets count bytes. Java reaches it through buffers of a
 * gigabyte each, since a buffer cannot hold more than two.
 */
public final class Block {

    private static final int SEGMENT_BITS = 30;
    private static final long SEGMENT_BYTES = 1L << SEGMENT_BITS;
    private static final long SEGMENT_MASK = SEGMENT_BYTES - 1;

    /** Address that the system gave; {@link #address} is the first aligned one from there on. */
    final long allocation;

    public final long address;
    public final long bytes;

    /** Bytes that were asked for; at most {@link #bytes}. */
    public long requested;

    /** Layout of the elements, if not row-major. Belongs to the thread that works on the tensors of this block. */
    @Nullable
    public Arrangement arrangement;

    /** Elements still to be written here, if nobody needed them yet. Belongs to the same thread. */
    @Nullable
    public PendingPlanes pending;

    /** Elements of other blocks still to be written from this one. Belongs to the same thread. */
    public final List<PendingPlanes> readers = new ArrayList<>(0);

    /** Account in which it counts as used, if somebody counts. Guarded by the pool. */
    @Nullable
    Account account;

    /** Guarded by the pool. */
    int references;

    /** Time at which the block became free, counted in releases; guarded by the pool. */
    long freedAt;

    private final IntBuffer[] ints;
    private final LongBuffer[] longs;
    private final FloatBuffer[] floats;
    private final DoubleBuffer[] doubles;
    private final ArrayViews arrays;

    Block(long allocation, long address, long bytes) {
        this.allocation = allocation;
        this.address = address;
        this.bytes = bytes;
        arrays = new ArrayViews(address);
        int count = (int) ((bytes + SEGMENT_BYTES - 1) >>> SEGMENT_BITS);
        ints = new IntBuffer[count];
        longs = new LongBuffer[count];
        floats = new FloatBuffer[count];
        doubles = new DoubleBuffer[count];
        for (int i = 0; i < count; i++) {
            long start = i * SEGMENT_BYTES;
            ByteBuffer buffer = new Address()
                    .range(address + start, Math.min(SEGMENT_BYTES, bytes - start))
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder());
            ints[i] = buffer.asIntBuffer();
            longs[i] = buffer.asLongBuffer();
            floats[i] = buffer.asFloatBuffer();
            doubles[i] = buffer.asDoubleBuffer();
        }
    }

    public int getInt(long offset) {
        return ints[segment(offset)].get(within(offset) >> 2);
    }

    public long getLong(long offset) {
        return longs[segment(offset)].get(within(offset) >> 3);
    }

    public float getFloat(long offset) {
        return floats[segment(offset)].get(within(offset) >> 2);
    }

    public double getDouble(long offset) {
        return doubles[segment(offset)].get(within(offset) >> 3);
    }

    public void putInt(long offset, int value) {
        ints[segment(offset)].put(within(offset) >> 2, value);
    }

    public void putLong(long offset, long value) {
        longs[segment(offset)].put(within(offset) >> 3, value);
    }

    public void putFloat(long offset, float value) {
        floats[segment(offset)].put(within(offset) >> 2, value);
    }

    public void putDouble(long offset, double value) {
        doubles[segment(offset)].put(within(offset) >> 3, value);
    }

    public void get(long offset, float[] target, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 2, count - done);
            floats[segment(offset)].get(within(offset) >> 2, target, from + done, part);
            done += part;
            offset += (long) part << 2;
        }
    }

    public void get(long offset, int[] target, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 2, count - done);
            ints[segment(offset)].get(within(offset) >> 2, target, from + done, part);
            done += part;
            offset += (long) part << 2;
        }
    }

    public void get(long offset, double[] target, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 3, count - done);
            doubles[segment(offset)].get(within(offset) >> 3, target, from + done, part);
            done += part;
            offset += (long) part << 3;
        }
    }

    public void get(long offset, long[] target, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 3, count - done);
            longs[segment(offset)].get(within(offset) >> 3, target, from + done, part);
            done += part;
            offset += (long) part << 3;
        }
    }

    public void put(long offset, float[] source, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 2, count - done);
            floats[segment(offset)].put(within(offset) >> 2, source, from + done, part);
            done += part;
            offset += (long) part << 2;
        }
    }

    public void put(long offset, int[] source, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 2, count - done);
            ints[segment(offset)].put(within(offset) >> 2, source, from + done, part);
            done += part;
            offset += (long) part << 2;
        }
    }

    public void put(long offset, double[] source, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 3, count - done);
            doubles[segment(offset)].put(within(offset) >> 3, source, from + done, part);
            done += part;
            offset += (long) part << 3;
        }
    }

    public void put(long offset, long[] source, int from, int count) {
        for (int done = 0; done < count; ) {
            int part = part(offset, 3, count - done);
            longs[segment(offset)].put(within(offset) >> 3, source, from + done, part);
            done += part;
            offset += (long) part << 3;
        }
    }

    /** ND4J's views of this block. */
    ArrayViews arrays() {
        return arrays;
    }

    private static int segment(long offset) {
        return (int) (offset >>> SEGMENT_BITS);
    }

    private static int within(long offset) {
        return (int) (offset & SEGMENT_MASK);
    }

    /** Counts those of {@code count} elements that lie in the segment of {@code offset}. */
    private static int part(long offset, int shift, int count) {
        return (int) Math.min(count, (SEGMENT_BYTES - within(offset)) >> shift);
    }
}
