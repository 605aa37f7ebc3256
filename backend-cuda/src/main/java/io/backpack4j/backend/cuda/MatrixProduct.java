// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

/**
 * A batch of products C = alpha · op(A) · op(B) + beta · C of column-major matrices, as cuBLAS takes them.
 *
 * @param m rows of op(A) and C
 * @param n columns of op(B) and C
 * @param k columns of op(A), rows of op(B)
 * @param a the left factor
 * @param b the right factor
 * @param c the destination; not read if {@code beta} is 0
 * @param batch how many products
 */
record MatrixProduct(long m, long n, long k, double alpha, Factor a, Factor b, double beta, Matrices c, long batch) {

    /**
     * Matrices of a batch.
     *
     * @param address where the first begins
     * @param leading the distance of neighbouring columns
     * @param stride the distance of neighbouring matrices, in elements; 0 for one that all share
     */
    record Matrices(long address, long leading, long stride) {}

    /**
     * Matrices that may be transposed.
     *
     * @param matrices the matrices as they lie
     * @param transposed whether op transposes them
     */
    record Factor(Matrices matrices, boolean transposed) {}
}
