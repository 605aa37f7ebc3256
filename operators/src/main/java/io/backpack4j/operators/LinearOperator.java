// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A matrix A that is known by its products with vectors. Vectors are rows of a tensor, so that several are multiplied
 * at once. Used by one thread at a time.
 *
 * <p>What is made of operators here ({@link #damped} and the others) refers to them and owns nothing.
 */
public interface LinearOperator {

    /** The length of a product. */
    long rows();

    /** The length of a vector. */
    long columns();

    /** The element type of vectors and products. */
    DType dtype();

    /** Where vectors and products are kept. */
    Backend backend();

    /**
     * destination[v] = A · x[v].
     *
     * @param x {@code [V, columns]}
     * @param destination {@code [V, rows]}, overwritten; shares no memory with {@code x}
     * @throws BackpackException if shapes or types do not fit
     */
    void multiply(Tensor x, Tensor destination);

    /** factor · A. */
    default LinearOperator scaled(double factor) {
        return new ScaledOperator(this, factor);
    }

    /**
     * A + B.
     *
     * @throws BackpackException if their shapes or types differ
     */
    default LinearOperator plus(LinearOperator other) {
        return new SumOperator(this, other);
    }

    /**
     * A + λI.
     *
     * @throws BackpackException if A is not square
     */
    default LinearOperator damped(double damping) {
        return new DampedOperator(this, damping);
    }
}
