// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/** How exactly products of matrices and convolutions multiply. */
public enum Precision {
    /** In the element type of their operands. */
    FULL,
    /**
     * Operands of single precision are rounded to bfloat16, which keeps 8 binary digits, where that is faster; their
     * products are added up in single precision.
     */
    BF16_FAST
}
