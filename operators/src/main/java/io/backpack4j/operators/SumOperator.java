// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** A + B. */
record SumOperator(LinearOperator first, LinearOperator second) implements LinearOperator {

    SumOperator {
        if (first.rows() != second.rows() || first.columns() != second.columns() || first.dtype() != second.dtype()) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Operators are added if their shapes and types are equal, but these are %s and %s."
                            .formatted(Vectors.described(first), Vectors.described(second)));
        }
    }

    @Override
    public long rows() {
        return first.rows();
    }

    @Override
    public long columns() {
        return first.columns();
    }

    @Override
    public DType dtype() {
        return first.dtype();
    }

    @Override
    public Backend backend() {
        return first.backend();
    }

    @Override
    public void multiply(Tensor x, Tensor destination) {
        first.multiply(x, destination);
        try (TensorScope scope = backend().openScope()) {
            Tensor product = scope.allocate(destination.shape(), dtype());
            second.multiply(x, product);
            backend().elementwise().addScaled(1, product, destination);
        }
    }
}
