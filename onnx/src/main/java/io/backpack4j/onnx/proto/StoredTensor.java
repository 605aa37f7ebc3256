// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.proto;

import io.backpack4j.onnx.wire.Bytes;
import io.backpack4j.onnx.wire.WireFormatException;
import java.util.List;

/**
 * A tensor of a file. Its numbers are read when they are asked for. May be read by several threads.
 *
 * @param name that of the initializer; "" for one in an attribute
 * @param type the type of its elements
 * @param sizes the sizes of its axes, whose product is that of its elements
 * @param data its elements, {@code width} bytes each, row-major
 * @param width how many bytes an element takes: its type's, or 4 or 8 where onnx.proto has wider fields
 */
public record StoredTensor(String name, ElementType type, List<Long> sizes, Bytes data, int width) {

    /** The number of elements. */
    public long elements() {
        return elements(sizes);
    }

    /** The product of sizes. */
    static long elements(List<Long> sizes) {
        long product = 1;
        for (long size : sizes) {
            if (size < 0) {
                throw new WireFormatException("an axis of a tensor has the size %d".formatted(size));
            }
            try {
                product = Math.multiplyExact(product, size);
            } catch (ArithmeticException e) {
                throw new WireFormatException("a tensor has the sizes " + sizes);
            }
        }
        return product;
    }

    /** One element, as a real number; whole ones beyond 2⁵³ are rounded. */
    public double at(long index) {
        long place = index * width;
        return switch (type) {
            case FLOAT -> Float.intBitsToFloat(data.int32(place));
            case DOUBLE -> Double.longBitsToDouble(data.int64(place));
            case INT64 -> data.int64(place);
            case UINT64 -> unsigned(data.int64(place));
            case UINT32 -> width == Long.BYTES ? unsigned(data.int64(place)) : data.int32(place) & 0xffffffffL;
            case INT32 -> data.int32(place);
            case INT16 -> width == Integer.BYTES ? data.int32(place) : (short) small(place);
            case UINT16 -> width == Integer.BYTES ? data.int32(place) : small(place);
            case INT8 -> width == Integer.BYTES ? data.int32(place) : (byte) data.at(place);
            case UINT8, BOOL -> width == Integer.BYTES ? data.int32(place) : data.at(place);
            default -> throw new WireFormatException("tensor '%s' of %s has no numbers".formatted(name, type));
        };
    }

    private int small(long place) {
        return data.at(place) | data.at(place + 1) << Byte.SIZE;
    }

    private static double unsigned(long value) {
        return value >= 0 ? value : 0x1p64 + value;
    }
}
