// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.proto;

/** The types that elements of tensors may have; those that are read have a size. */
public enum ElementType {
    UNDEFINED(0, 0, false),
    FLOAT(1, 4, true),
    UINT8(2, 1, false),
    INT8(3, 1, false),
    UINT16(4, 2, false),
    INT16(5, 2, false),
    INT32(6, 4, false),
    INT64(7, 8, false),
    STRING(8, 0, false),
    BOOL(9, 1, false),
    FLOAT16(10, 0, true),
    DOUBLE(11, 8, true),
    UINT32(12, 4, false),
    UINT64(13, 8, false),
    BFLOAT16(16, 0, true);

    private final int code;
    private final int bytes;
    private final boolean floating;

    ElementType(int code, int bytes, boolean floating) {
        this.code = code;
        this.bytes = bytes;
        this.floating = floating;
    }

    /** The type with a number of onnx.proto; UNDEFINED for those that are not known. */
    public static ElementType of(long code) {
        for (ElementType type : values()) {
            if (type.code == code) {
                return type;
            }
        }
        return UNDEFINED;
    }

    /** Its number in onnx.proto. */
    public int code() {
        return code;
    }

    /** The size of one element; 0 for types that are not read. */
    public int bytes() {
        return bytes;
    }

    /** Whether its elements are real numbers. */
    public boolean isFloating() {
        return floating;
    }

    /** Whether its elements can be computed with here. */
    public boolean isReadable() {
        return bytes > 0;
    }
}
