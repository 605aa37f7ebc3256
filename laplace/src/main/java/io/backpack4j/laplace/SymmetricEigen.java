// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Eigenvalues and eigenvectors of positive semidefinite matrices, in float64 whatever the model's type.
 *
 * @param values {@code [*batch, n]}, those that rounding made negative as zero
 * @param vectors {@code [*batch, n, n]}, one per column
 */
record SymmetricEigen(Numbers values, Numbers vectors) {

    static SymmetricEigen of(Backend backend, Numbers matrices) {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = matrices.shape();
            Tensor values = scope.allocate(shape.slice(0, shape.rank() - 1), DType.FLOAT64);
            Tensor vectors = scope.allocate(shape, DType.FLOAT64);
            backend.decompositions().symmetricEigen(matrices.on(scope, DType.FLOAT64), values, vectors);
            Numbers found = Numbers.of(values);
            for (int i = 0; i < found.values().length; i++) {
                found.values()[i] = Math.max(0, found.values()[i]);
            }
            return new SymmetricEigen(found, Numbers.of(vectors));
        }
    }
}
