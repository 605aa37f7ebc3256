// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/**
 * A factor of which only the diagonal is kept, since the rest is zero.
 *
 * @param diagonal {@code [n]}
 */
record DiagonalFactor(Backend backend, Tensor diagonal) {

    private static final long MOST_DENSE = 1 << 13;

    /**
     * The whole matrix, {@code [n, n]}.
     *
     * @throws BackpackException {@code TooLarge} if it has too many rows
     */
    Tensor dense(TensorScope target) {
        long size = diagonal.shape().size(0);
        if (size > MOST_DENSE) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "The diagonal input side of %d rows has eigenvectors of %d numbers; at most %d rows are decomposed. Use dampedInverse and multiply, which need the diagonal only."
                            .formatted(size, size * size, MOST_DENSE));
        }
        Tensor dense = target.allocate(Shape.of(size, size), diagonal.dtype());
        backend.elementwise().fill(dense, 0);
        backend.indexing().insertDiagonal(diagonal, dense);
        return dense;
    }

    double mean() {
        return Arrays.stream(diagonal.toDoubleArray()).average().orElse(0);
    }

    /**
     * 1 / (diagonal + damping).
     *
     * @throws BackpackException {@code NotPositiveDefinite} if that of a row is not positive
     */
    Tensor inverse(TensorScope target, double damping) {
        double[] values = diagonal.toDoubleArray();
        for (int i = 0; i < values.length; i++) {
            if (!(values[i] + damping > 0)) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "Entry %d of a diagonal factor of shape %s is %s, damped by %s. Rows that do not occur in the batch have 0: add damping."
                                .formatted(i, diagonal.shape(), values[i], damping));
            }
            values[i] = 1 / (values[i] + damping);
        }
        return backend.upload(target, diagonal.shape(), diagonal.dtype(), values);
    }

    /** Σ log, −∞ if an entry is not positive. */
    double logDeterminant() {
        return Arrays.stream(diagonal.toDoubleArray())
                .map(value -> value > 0 ? Math.log(value) : Double.NEGATIVE_INFINITY)
                .sum();
    }
}
