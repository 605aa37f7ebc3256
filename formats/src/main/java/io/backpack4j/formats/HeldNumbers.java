// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Numbers in memory, as the bytes that they were read from: some at a time, because there may be more than an array
 * holds, and because a stream that promises too many must not be believed before they come.
 */
final class HeldNumbers implements SessionState.Numbers {

    private static final int PIECE_BYTES = 1 << 20;

    private final DType dtype;
    private final Shape shape;
    private final List<ByteBuffer> pieces;

    private HeldNumbers(DType dtype, Shape shape, List<ByteBuffer> pieces) {
        this.dtype = dtype;
        this.shape = shape;
        this.pieces = pieces;
    }

    /** Reads a tensor that comes next in a stream. */
    static HeldNumbers read(InputStream source, TensorInfo tensor, DType dtype) throws IOException {
        long bytes = tensor.end() - tensor.begin();
        List<ByteBuffer> pieces = new ArrayList<>();
        for (long from = 0; from < bytes; from += PIECE_BYTES) {
            int count = (int) Math.min(PIECE_BYTES, bytes - from);
            byte[] piece = source.readNBytes(count);
            if (piece.length < count) {
                throw Failures.invalid(
                        SafetensorsStream.NAME,
                        "is cut short: it has %d of the %d bytes of its tensor %s. Write it again."
                                .formatted(from + piece.length, bytes, Failures.quoted(tensor.name())));
            }
            pieces.add(ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN));
        }
        return new HeldNumbers(dtype, tensor.shape(), pieces);
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public void read(long from, double[] target, int offset, int count) {
        int each = PIECE_BYTES / dtype.bytes();
        for (int done = 0; done < count; ) {
            ByteBuffer piece = pieces.get((int) ((from + done) / each));
            int at = (int) ((from + done) % each);
            int end = Math.min(count - done, each - at);
            for (int i = 0; i < end; i++) {
                target[offset + done + i] = number(piece, at + i);
            }
            done += end;
        }
    }

    private double number(ByteBuffer piece, int position) {
        int at = position * dtype.bytes();
        return switch (dtype) {
            case FLOAT32 -> piece.getFloat(at);
            case FLOAT64 -> piece.getDouble(at);
            case INT64 -> piece.getLong(at);
        };
    }

    @Override
    public void readIntegers(long from, long[] target, int offset, int count) {
        int each = PIECE_BYTES / Long.BYTES;
        for (int i = 0; i < count; i++) {
            long position = from + i;
            target[offset + i] = pieces.get((int) (position / each)).getLong((int) (position % each) * Long.BYTES);
        }
    }
}
