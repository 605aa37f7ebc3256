// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.wire;

/**
 * Reads one message of the wire format of protocol buffers, field by field. Nested messages are given out as bytes, for
 * another reader. Belongs to one thread.
 *
 * <pre>{@code
 * while (reader.next()) {
 *     switch (reader.field()) {
 *         case 1 -> name = reader.text();
 *         default -> reader.skip();
 *     }
 * }
 * }</pre>
 *
 * <p>Source: https://protobuf.dev/programming-guides/encoding/.
 */
public final class WireReader {

    /** A variable-length whole number. */
    public static final int VARINT = 0;

    /** Eight bytes. */
    public static final int FIXED64 = 1;

    /** A length and so many bytes: text, a message, packed numbers. */
    public static final int LENGTH = 2;

    /** Four bytes. */
    public static final int FIXED32 = 5;

    private static final int TYPE_BITS = 3;
    private static final int VARINT_BITS = 7;
    private static final int MOST_TEXT = 1 << 20;

    private final Bytes bytes;
    private long position;
    private int field;
    private int type;

    public WireReader(Bytes bytes) {
        this.bytes = bytes;
    }

    /** Goes on to the next field; false at the end. */
    public boolean next() {
        if (position == bytes.length()) {
            return false;
        }
        long tag = readVarint();
        long number = tag >>> TYPE_BITS;
        if (number < 1 || number >= 1 << 29) {
            throw new WireFormatException("field number %d is not possible".formatted(number));
        }
        field = (int) number;
        type = (int) tag & (1 << TYPE_BITS) - 1;
        return true;
    }

    /** The number of the field that {@link #next} found. */
    public int field() {
        return field;
    }

    /** Whether the field is a length and bytes, as packed numbers are. */
    public boolean isBytes() {
        return type == LENGTH;
    }

    /** Whether all of the message was read. */
    public boolean isAtEnd() {
        return position == bytes.length();
    }

    /** The field's value as a whole number. */
    public long varint() {
        require(VARINT);
        return readVarint();
    }

    /** The field's value as four bytes. */
    public int fixed32() {
        require(FIXED32);
        return readFixed32();
    }

    /** The field's value as eight bytes. */
    public long fixed64() {
        require(FIXED64);
        return readFixed64();
    }

    /** The field's value as bytes. */
    public Bytes bytes() {
        require(LENGTH);
        long length = readVarint();
        Bytes value = bytes.slice(position, length);
        position += length;
        return value;
    }

    /** The field's value as text. */
    public String text() {
        Bytes value = bytes();
        if (value.length() > MOST_TEXT) {
            throw new WireFormatException("a name has %d bytes".formatted(value.length()));
        }
        return value.text();
    }

    /** Passes over the field's value. */
    public void skip() {
        switch (type) {
            case VARINT -> readVarint();
            case FIXED64 -> readFixed64();
            case LENGTH -> bytes();
            case FIXED32 -> readFixed32();
            default -> throw new WireFormatException("field %d has wire type %d".formatted(field, type));
        }
    }

    /** A whole number of at most ten bytes, without a field before it. */
    public long readVarint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += VARINT_BITS) {
            int next = bytes.at(position++);
            value |= (long) (next & (1 << VARINT_BITS) - 1) << shift;
            if (next < 1 << VARINT_BITS) {
                return value;
            }
        }
        throw new WireFormatException("a number has more than ten bytes");
    }

    /** Four bytes, without a field before them. */
    public int readFixed32() {
        int value = bytes.int32(position);
        position += Integer.BYTES;
        return value;
    }

    /** Eight bytes, without a field before them. */
    public long readFixed64() {
        long value = bytes.int64(position);
        position += Long.BYTES;
        return value;
    }

    private void require(int wanted) {
        if (type != wanted) {
            throw new WireFormatException("field %d has wire type %d, but needs %d".formatted(field, type, wanted));
        }
    }
}
