// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.wire;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes one message of the wire format of protocol buffers into memory. Belongs to one thread. */
public final class WireWriter {

    private static final int TYPE_BITS = 3;
    private static final int VARINT_BITS = 7;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** Adds a whole number. */
    public WireWriter varint(int field, long value) {
        tag(field, WireReader.VARINT);
        write(value);
        return this;
    }

    /** Adds a float32. */
    public WireWriter float32(int field, float value) {
        tag(field, WireReader.FIXED32);
        int bits = Float.floatToIntBits(value);
        for (int i = 0; i < Integer.BYTES; i++) {
            bytes.write(bits >>> (Byte.SIZE * i));
        }
        return this;
    }

    /** Adds text. */
    public WireWriter text(int field, String text) {
        return bytes(field, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a message. */
    public WireWriter message(int field, WireWriter message) {
        return bytes(field, message.toBytes());
    }

    /** Adds bytes. */
    public WireWriter bytes(int field, byte... value) {
        tag(field, WireReader.LENGTH);
        write(value.length);
        bytes.write(value, 0, value.length);
        return this;
    }

    /** All that was added. */
    public byte[] toBytes() {
        return bytes.toByteArray();
    }

    private void tag(int field, int type) {
        write(((long) field << TYPE_BITS) | type);
    }

    private void write(long value) {
        long rest = value;
        while (rest >>> VARINT_BITS != 0) {
            bytes.write((int) ((rest & ((1 << VARINT_BITS) - 1)) | (1 << VARINT_BITS)));
            rest >>>= VARINT_BITS;
        }
        bytes.write((int) rest);
    }
}
