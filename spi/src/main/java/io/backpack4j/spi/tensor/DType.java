// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

/** The element types of tensors. */
public enum DType {
    /** IEEE 754 single precision: the fast type. */
    FLOAT32(4),
    /** IEEE 754 double precision: the reference type. */
    FLOAT64(8),
    /** Signed 64-bit integers: class indices and other positions. */
    INT64(8);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** The size of one element. */
    public int bytes() {
        return bytes;
    }

    /** Whether the type holds real numbers. */
    public boolean isFloating() {
        return this != INT64;
    }
}
