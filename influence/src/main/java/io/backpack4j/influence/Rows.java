// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Tensors with a row per sample. */
final class Rows {

    private Rows() {}

    /** Adds the inner products of rows to N numbers. Both are {@code [N, *]}. */
    static void addDots(Backend backend, Tensor left, Tensor right, double[] sums) {
        try (TensorScope scope = backend.openScope()) {
            Tensor products = scope.allocate(left.shape(), left.dtype());
            backend.elementwise().combine(BinaryOperation.MULTIPLY, left, right, products);
            Tensor ofRows = scope.allocate(Shape.of(sums.length), left.dtype());
            Tensor rows = scope.view(products, flat(products, sums.length));
            backend.reductions().reduce(Reduction.SUM, rows, 1, 2, ofRows);
            double[] values = ofRows.toDoubleArray();
            for (int n = 0; n < sums.length; n++) {
                sums[n] += values[n];
            }
        }
    }

    /** {@code [N, P]}, whatever stands behind N. */
    static Shape flat(Tensor tensor, int samples) {
        return Shape.of(samples, tensor.shape().elements() / samples);
    }
}
