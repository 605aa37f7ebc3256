// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;

/** A + λI. */
record DampedOperator(LinearOperator operator, double damping) implements LinearOperator {

    DampedOperator {
        Vectors.requireSquare(operator, "Damping");
    }

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
        backend().elementwise().addScaled(damping, x, destination);
    }
}
