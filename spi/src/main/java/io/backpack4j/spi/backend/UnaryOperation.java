// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/** Functions of one number. */
public enum UnaryOperation {
    NEGATE,
    ABS,
    /** -1, 0 or 1. */
    SIGN,
    EXP,
    LOG,
    /** log(1 + x), exact near 0. */
    LOG1P,
    /** exp(x) - 1, exact near 0. */
    EXPM1,
    SQRT,
    SQUARE,
    RECIPROCAL,
    TANH,
    /** 1 where x &gt; 0, else 0, also for NaN. */
    POSITIVE
}
