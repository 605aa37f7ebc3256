// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.proto;

import io.backpack4j.onnx.wire.Bytes;
import io.backpack4j.onnx.wire.WireFormatException;
import io.backpack4j.onnx.wire.WireReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Reads one tensor message. */
final class TensorReader {

    private static final int MOST_AXES = 32;
    private static final int EXTERNAL = 1;

    private final ExternalFiles files;
    private final List<Long> sizes = new ArrayList<>();
    private final Map<String, String> external = new HashMap<>();
    private final Numbers integers = new Numbers();
    private String name = "";
    private ElementType type = ElementType.UNDEFINED;
    private long location;

    /** Elements as bytes; null if they stand in fields of numbers. */
    private @Nullable Bytes raw;

    TensorReader(ExternalFiles files) {
        this.files = files;
    }

    /** Numbers of repeated fields, as the bits that a raw tensor would have, four or eight bytes each. */
    private static final class Numbers {

        private final List<Long> values = new ArrayList<>();
        private int width;

        void read(WireReader reader, int bytes, ToLongFunction<WireReader> packed) {
            width = bytes;
            if (!reader.isBytes()) {
                values.add(
                        packed == FIXED32 ? reader.fixed32() : packed == FIXED64 ? reader.fixed64() : reader.varint());
                return;
            }
            WireReader inner = new WireReader(reader.bytes());
            while (!inner.isAtEnd()) {
                values.add(packed.applyAsLong(inner));
            }
        }

        Bytes bytes() {
            ByteBuffer buffer = ByteBuffer.allocate(Math.multiplyExact(values.size(), width))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (long value : values) {
                if (width == Integer.BYTES) {
                    buffer.putInt((int) value);
                } else {
                    buffer.putLong(value);
                }
            }
            return Bytes.of(buffer.array());
        }
    }

    private static final ToLongFunction<WireReader> FIXED32 = WireReader::readFixed32;
    private static final ToLongFunction<WireReader> FIXED64 = WireReader::readFixed64;
    private static final ToLongFunction<WireReader> VARINT = WireReader::readVarint;

    StoredTensor read(Bytes message) {
        WireReader reader = new WireReader(message);
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> FileReader.integers(reader, sizes);
                case 2 -> type = ElementType.of(reader.varint());
                case 4 -> integers.read(reader, Integer.BYTES, FIXED32);
                case 5 -> integers.read(reader, Integer.BYTES, VARINT);
                case 7, 11 -> integers.read(reader, Long.BYTES, VARINT);
                case 8 -> name = reader.text();
                case 9 -> raw = reader.bytes();
                case 10 -> integers.read(reader, Long.BYTES, FIXED64);
                case 13 -> FileReader.entry(reader.bytes(), external);
                case 14 -> location = reader.varint();
                default -> reader.skip();
            }
        }
        return tensor();
    }

    private StoredTensor tensor() {
        if (sizes.size() > MOST_AXES) {
            throw new WireFormatException("tensor '%s' has %d axes".formatted(name, sizes.size()));
        }
        long elements = StoredTensor.elements(sizes);
        if (!type.isReadable()) {
            return new StoredTensor(name, type, List.copyOf(sizes), Bytes.of(), 0);
        }
        Bytes data;
        int width = type.bytes();
        if (location == EXTERNAL) {
            data = files.read(name, external, bytes(elements, width));
        } else if (raw != null) {
            data = raw;
        } else {
            data = integers.bytes();
            width = integers.width == 0 ? width : integers.width;
        }
        if (data.length() != bytes(elements, width) || width < type.bytes()) {
            throw new WireFormatException(
                    "tensor '%s' of %s with the sizes %s has %d bytes".formatted(name, type, sizes, data.length()));
        }
        return new StoredTensor(name, type, List.copyOf(sizes), data, width);
    }

    private static long bytes(long elements, int width) {
        try {
            return Math.multiplyExact(elements, (long) width);
        } catch (ArithmeticException e) {
            throw new WireFormatException("a tensor has %d elements".formatted(elements));
        }
    }
}
