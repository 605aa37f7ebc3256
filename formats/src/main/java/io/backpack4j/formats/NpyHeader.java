// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;

/** What stands before the numbers of NumPy's npy, version 1.0: type, order and shape as a literal of Python. */
final class NpyHeader {

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

    private static final int ALIGNMENT = 64;

    private NpyHeader() {}

    static byte[] of(SafetensorsType type, Shape shape) {
        String descr = "<%s%d".formatted(type.isFloating() ? "f" : "i", type.bytes());
        String sizes =
                Arrays.stream(shape.toArray()).mapToObj(size -> size + ",").collect(Collectors.joining(" ", "(", ")"));
        byte[] text = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
                .formatted(descr, sizes)
                .getBytes(StandardCharsets.US_ASCII);
        int before = MAGIC.length + Short.BYTES;
        int length = (before + text.length + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        ByteBuffer header = ByteBuffer.allocate(length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .putShort((short) (length - before))
                .put(text);
        while (header.remaining() > 1) {
            header.put((byte) ' ');
        }
        return header.put((byte) '\n').array();
    }
}
