// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Bytes that lie in a mapped file or in memory, and parts of them. Files may be larger than what one buffer can hold:
 * they are mapped in pieces. May be read by several threads.
 */
public final class Bytes {

    private static final int PIECE_BITS = 30;
    private static final long PIECE = 1L << PIECE_BITS;

    private final ByteBuffer[] pieces;
    private final long begin;
    private final long length;

    private Bytes(ByteBuffer[] pieces, long begin, long length) {
        this.pieces = pieces;
        this.begin = begin;
        this.length = length;
    }

    /** Maps a file. The mapping ends when nothing refers to it any more. */
    public static Bytes map(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            int count = (int) ((size + PIECE - 1) / PIECE);
            ByteBuffer[] pieces = new ByteBuffer[count];
            for (int i = 0; i < count; i++) {
                long from = i * PIECE;
                pieces[i] = channel.map(FileChannel.MapMode.READ_ONLY, from, Math.min(PIECE, size - from))
                        .order(ByteOrder.LITTLE_ENDIAN);
            }
            return new Bytes(pieces, 0, size);
        }
    }

    /** Bytes in memory, which are not copied. */
    public static Bytes of(byte... bytes) {
        ByteBuffer piece = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return new Bytes(new ByteBuffer[] {piece}, 0, bytes.length);
    }

    public long length() {
        return length;
    }

    /** One byte, 0 to 255. */
    public int at(long position) {
        long place = begin + checked(position, 1);
        return pieces[(int) (place >>> PIECE_BITS)].get((int) (place & (PIECE - 1))) & 0xff;
    }

    /** Four bytes, the lowest first. */
    public int int32(long position) {
        long place = begin + checked(position, Integer.BYTES);
        int within = (int) (place & (PIECE - 1));
        if (within <= PIECE - Integer.BYTES) {
            return pieces[(int) (place >>> PIECE_BITS)].getInt(within);
        }
        int value = 0;
        for (int i = 0; i < Integer.BYTES; i++) {
            value |= at(position + i) << (Byte.SIZE * i);
        }
        return value;
    }

    /** Eight bytes, the lowest first. */
    public long int64(long position) {
        checked(position, Long.BYTES);
        return (int32(position) & 0xffffffffL) | ((long) int32(position + Integer.BYTES) << Integer.SIZE);
    }

    /** A part, not copied. */
    public Bytes slice(long from, long count) {
        return new Bytes(pieces, begin + checked(from, count), count);
    }

    /** The bytes as text; what is no UTF-8 is replaced. */
    public String text() {
        byte[] copy = new byte[Math.toIntExact(length)];
        for (int i = 0; i < copy.length; i++) {
            copy[i] = (byte) at(i);
        }
        return new String(copy, StandardCharsets.UTF_8);
    }

    private long checked(long from, long count) {
        if (from < 0 || count < 0 || from > length - count) {
            throw new WireFormatException("it ends too early");
        }
        return from;
    }
}
