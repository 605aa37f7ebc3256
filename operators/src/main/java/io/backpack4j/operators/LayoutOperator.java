// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.util.function.BiConsumer;

/** A square operator on vectors of a layout. */
record LayoutOperator(ParameterLayout layout, BiConsumer<Tensor, Tensor> product) implements LinearOperator {

    @Override
    public long rows() {
        return layout.size();
    }

    @Override
    public long columns() {
        return layout.size();
    }

    @Override
    public DType dtype() {
        return layout.dtype();
    }

    @Override
    public Backend backend() {
        return layout.backend();
    }

    @Override
    public void multiply(Tensor x, Tensor destination) {
        Vectors.check(this, x, destination);
        product.accept(x, destination);
    }
}
