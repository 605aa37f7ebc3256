// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;

/**
 * Native memory with poison before and behind what a kernel is given, and, if asked for, a page behind it that ends the
 * process when it is touched: a page of a mapped file that was cut off afterwards.
 */
public final class GuardedMemory {

    /** The most bytes of an operand. */
    public static final int CAPACITY = 1 << 20;

    private static final int BORDER = 1 << 15;
    private static final int PAGE = 1 << 12;
    private static final int SIZE = CAPACITY + 2 * BORDER;

    private final ByteBuffer memory;
    private final byte[] border = new byte[BORDER];
    private final long base;
    private final int offset;
    private int start;
    private int length;

    public GuardedMemory(boolean guarded) throws IOException {
        memory = guarded ? mapped() : ByteBuffer.allocateDirect(SIZE + SizeClass.ALIGNMENT);
        memory.order(ByteOrder.nativeOrder());
        long address = new BytePointer(memory).address();
        base = (address + SizeClass.ALIGNMENT - 1) & -SizeClass.ALIGNMENT;
        offset = (int) (base - address);
    }

    private static MappedByteBuffer mapped() throws IOException {
        Path path = Files.createTempFile("guarded", ".memory");
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(SIZE + PAGE);
            MappedByteBuffer buffer = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, SIZE + PAGE);
            file.setLength(SIZE);
            return buffer;
        } finally {
            Files.delete(path);
        }
    }

    /** Where a kernel finds its operand. */
    public enum Place {
        /** At the start of a cache line. */
        ALIGNED,
        /**
         * Before what the pool has behind each block, which may be read; then comes the page that must not be touched,
         * if there is one.
         */
        AT_END,
        /** As near to the end as the start of a cache line allows. */
        ALIGNED_AT_END
    }

    /** Poisons everything and returns the address of {@code bytes} bytes. */
    public long place(int bytes, Place where, byte poison) {
        length = bytes;
        start = switch (where) {
            case ALIGNED -> BORDER;
            case AT_END -> SIZE - MemoryPool.BEHIND - bytes;
            case ALIGNED_AT_END -> (SIZE - MemoryPool.BEHIND - bytes) & -SizeClass.ALIGNMENT;
        };
        Arrays.fill(border, poison);
        int from = Math.max(0, start - BORDER);
        byte[] values = new byte[Math.min(SIZE, start + bytes + BORDER) - from];
        Arrays.fill(values, poison);
        memory.put(offset + from, values);
        return base + start;
    }

    /** The operand as numbers. */
    public FloatBuffer floats() {
        return operand().order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    public ByteBuffer operand() {
        return memory.slice(offset + start, length);
    }

    /**
     * The first byte before or behind the operand that lost its poison, counted from the operand's start; 0 if there is
     * none.
     */
    public int firstWritten() {
        int from = Math.max(0, start - BORDER);
        int before = difference(from, start - from);
        if (before >= 0) {
            return from + before - start;
        }
        int end = start + length;
        int behind = difference(end, Math.min(BORDER, SIZE - end));
        return behind >= 0 ? length + behind : 0;
    }

    private int difference(int from, int count) {
        return memory.slice(offset + from, count).mismatch(ByteBuffer.wrap(border, 0, count));
    }
}
