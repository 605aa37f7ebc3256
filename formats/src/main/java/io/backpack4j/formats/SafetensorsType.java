// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.DType;

/** The element types that a safetensors file may hold. */
public enum SafetensorsType {
    /** IEEE 754 double precision. */
    F64(8, true),
    /** IEEE 754 single precision. */
    F32(4, true),
    /** IEEE 754 half precision. */
    F16(2, true),
    /** The upper half of a single precision number. */
    BF16(2, true),
    /** Signed 64-bit integers. */
    I64(8, false),
    /** Signed 32-bit integers. */
    I32(4, false),
    /** Signed 16-bit integers. */
    I16(2, false),
    /** Signed bytes. */
    I8(1, false),
    /** Unsigned 64-bit integers. */
    U64(8, false),
    /** Unsigned 32-bit integers. */
    U32(4, false),
    /** Unsigned 16-bit integers. */
    U16(2, false),
    /** Unsigned bytes. */
    U8(1, false),
    /** Flags, one byte each: 0 or 1. */
    BOOL(1, false);

    private final int bytes;
    private final boolean floating;

    SafetensorsType(int bytes, boolean floating) {
        this.bytes = bytes;
        this.floating = floating;
    }

    /** The type in which a file holds the elements of a tensor. */
    public static SafetensorsType of(DType type) {
        return switch (type) {
            case FLOAT32 -> F32;
            case FLOAT64 -> F64;
            case INT64 -> I64;
        };
    }

    /** The size of one element. */
    public int bytes() {
        return bytes;
    }

    /** Whether the type holds real numbers; the others are read as integers. */
    public boolean isFloating() {
        return floating;
    }
}
