// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.dryrun;

/** Kinds of operations that differ in how fast a machine does them. */
public enum WorkKind {
    /** Plain arithmetic on every element, and movements of elements in their order. */
    ELEMENTWISE,
    /** Exponentials and other functions that take many instructions per element. */
    FUNCTION,
    /** Products of a number and a distribution function of it, such as GELU's, to full precision. */
    GATE,
    /** Movements of elements into another order, by indices or by windows. */
    MOVEMENT,
    /** Sums and extrema over some axes. */
    REDUCTION,
    /** Matrix products. */
    PRODUCT,
    /** Convolutions with several channels per group. */
    CONVOLUTION,
    /** Convolutions with one channel per group. */
    DEPTHWISE,
    /** Random draws. */
    DRAW,
    /** Counts in bins. */
    HISTOGRAM,
    /** Eigenvalues of matrices, and their triangular factors. */
    DECOMPOSITION
}
