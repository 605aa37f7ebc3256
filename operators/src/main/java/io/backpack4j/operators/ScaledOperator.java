// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;

/** factor · A. */
record ScaledOperator(LinearOperator operator, double factor) implements LinearOperator {

    @Override
    public long rows() {
        return operator.rows();
    }

    @Override
    public long columns() {
        return operator.columns();
    }

    @Override
    public DType dtype() {
        return operator.dtype();
    }

    @Override
    public Backend backend() {
        return operator.backend();
    }

    @Override
    public void multiply(Tensor x, Tensor destination) {
        operator.multiply(x, destination);
        backend().elementwise().affine(destination, factor, 0, destination);
    }
}
