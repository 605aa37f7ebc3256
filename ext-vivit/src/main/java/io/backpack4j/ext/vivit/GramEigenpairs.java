// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.extension.GroupDerivation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * The largest eigenvalues of a Gram matrix, ascending, and their eigenvectors as columns, in double precision whatever
 * the matrix is of: it is small beside everything else, and slopes are divided by square roots of eigenvalues.
 *
 * @param count how many
 */
record GramEigenpairs(long count) implements GroupDerivation {

    /** Some vectors are found one by one in less time than all together, if they are fewer than one in this many. */
    private static final long FEW = 4;

    /** All eigenvalues alone. */
    record Values() implements GroupDerivation {

        @Override
        public List<Tensor> derive(Backend backend, TensorScope scope, Tensor gram) {
            Tensor values = scope.allocate(Shape.of(gram.shape().size(0)), DType.FLOAT64);
            try (TensorScope temporary = backend.openScope()) {
                backend.decompositions().symmetricEigenvalues(precise(backend, temporary, gram), values);
            }
            return List.of(values);
        }
    }

    /** Whether so many are found at less cost than all. */
    static boolean areFew(long count, long rows) {
        return count * FEW <= rows;
    }

    @Override
    public List<Tensor> derive(Backend backend, TensorScope scope, Tensor gram) {
        long rows = gram.shape().size(0);
        Tensor values = scope.allocate(Shape.of(count), DType.FLOAT64);
        Tensor vectors = scope.allocate(Shape.of(rows, count), DType.FLOAT64);
        Decompositions decompositions = backend.decompositions();
        try (TensorScope temporary = backend.openScope()) {
            Tensor matrix = precise(backend, temporary, gram);
            if (count == rows) {
                decompositions.symmetricEigen(matrix, values, vectors);
            } else {
                decompositions.largestEigen(matrix, values, vectors);
            }
        }
        return List.of(values, vectors);
    }

    private static Tensor precise(Backend backend, TensorScope scope, Tensor gram) {
        if (gram.dtype() == DType.FLOAT64) {
            return gram;
        }
        Tensor copy = scope.allocate(gram.shape(), DType.FLOAT64);
        backend.elementwise().copy(gram, copy);
        return copy;
    }
}
