// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Inner products. */
final class Dots {

    private Dots() {}

    /** Σ a b of two tensors of one shape, added up in double precision. */
    static double dot(Backend backend, Tensor a, Tensor b) {
        try (TensorScope scope = backend.openScope()) {
            Tensor products = scope.allocate(a.shape(), a.dtype());
            backend.elementwise().combine(BinaryOperation.MULTIPLY, a, b, products);
            Tensor sum = scope.allocate(Shape.of(), a.dtype());
            backend.reductions().total(products, sum);
            return sum.item();
        }
    }
}
