// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableEigen;
import io.backpack4j.spi.backend.portable.PortableInverses;
import io.backpack4j.spi.tensor.Tensor;

/**
 * Decompositions of symmetric matrices, by a library such as LAPACK. Of a symmetric matrix, the lower triangle counts.
 * Axes before the last two are a batch. Destinations overlap with no operand unless an operation says otherwise.
 */
public interface Decompositions {

    /** The backend of this group, for the defaults. */
    Backend backend();

    /**
     * a = vectors · diag(values) · vectorsᵀ.
     *
     * @param a {@code [*batch, n, n]}, symmetric
     * @param values {@code [*batch, n]}, ascending
     * @param vectors {@code [*batch, n, n]}: the columns are orthonormal eigenvectors, each determined up to its sign,
     *     and those of equal eigenvalues up to a rotation
     * @throws io.backpack4j.spi.BackpackException if a number is not finite, or if it does not converge
     */
    void symmetricEigen(Tensor a, Tensor values, Tensor vectors);

    /**
     * The eigenvalues alone, which take a fraction of the time. The default finds vectors, too.
     *
     * @param a {@code [*batch, n, n]}, symmetric
     * @param values {@code [*batch, n]}, ascending
     * @throws io.backpack4j.spi.BackpackException as {@link #symmetricEigen} does
     */
    default void symmetricEigenvalues(Tensor a, Tensor values) {
        PortableEigen.values(backend(), a, values);
    }

    /**
     * The k largest eigenvalues with their vectors. Worth it where k is much less than n; the default finds all.
     *
     * @param a {@code [*batch, n, n]}, symmetric
     * @param values {@code [*batch, k]}, ascending, k being at least 1 and at most n
     * @param vectors {@code [*batch, n, k]}: the columns are orthonormal eigenvectors in the order of {@code values}
     * @throws io.backpack4j.spi.BackpackException as {@link #symmetricEigen} does
     */
    default void largestEigen(Tensor a, Tensor values, Tensor vectors) {
        PortableEigen.largest(backend(), a, values, vectors);
    }

    /**
     * a = destination · destinationᵀ, the destination being lower triangular: zero above its diagonal.
     *
     * @param a {@code [*batch, n, n]}, symmetric
     * @param destination {@code [*batch, n, n]}; may be {@code a} itself, so that large matrices need no second one
     * @throws io.backpack4j.spi.BackpackException with the id {@code NotPositiveDefinite} if a matrix is not positive
     *     definite
     */
    void cholesky(Tensor a, Tensor destination);

    /**
     * destination[r] = a⁻¹ right[r], row by row, a being given by its Cholesky factor: destination = right · a⁻¹.
     *
     * @param factor {@code [*batch, n, n]}, as {@link #cholesky} makes it
     * @param right {@code [*batch, m, n]}
     * @param destination {@code [*batch, m, n]}
     */
    void choleskySolve(Tensor factor, Tensor right, Tensor destination);

    /**
     * destination = a⁻¹, in full, a being given by its Cholesky factor. The default solves for some rows of the
     * identity at a time.
     *
     * @param factor {@code [*batch, n, n]}, as {@link #cholesky} makes it
     * @param destination {@code [*batch, n, n]}; may be {@code factor} itself
     */
    default void choleskyInverse(Tensor factor, Tensor destination) {
        PortableInverses.invert(backend(), factor, destination);
    }
}
