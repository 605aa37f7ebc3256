// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

/**
 * Solves op(A) · X = B for X, which overwrites B. Column-major; A is upper triangular.
 *
 * @param rows of A and B
 * @param columns of B
 * @param transposed whether op transposes A
 * @param a the address of A, whose columns lie {@code rows} apart
 * @param b the address of B, whose columns lie {@code rows} apart
 */
record TriangularSystem(long rows, long columns, boolean transposed, long a, long b) {}
