// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Weighted inner products of a sample's rows. */
final class RowProducts {

    private RowProducts() {}

    /**
     * covariance += scale · Σ_k rows[c, n, k] weights[k] rows[d, n, k].
     *
     * @param rows {@code [C, N, K]}
     * @param roots the weights' roots, K of them
     * @param covariance {@code [N, C, C]}
     */
    static void add(Backend backend, Tensor rows, double[] roots, double scale, Tensor covariance) {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = rows.shape();
            long outputs = shape.size(0);
            long samples = shape.size(1);
            long size = shape.elements(2, shape.rank());
            DType dtype = rows.dtype();
            Tensor weights = new Numbers(Shape.of(1, 1, size), roots).on(scope, dtype);
            Tensor weighted = scope.allocate(Shape.of(outputs, samples, size), dtype);
            Tensor flat = scope.view(rows, weighted.shape());
            backend.elementwise().combine(BinaryOperation.MULTIPLY, flat, weights, weighted);
            Tensor ordered = scope.allocate(Shape.of(samples, outputs, size), dtype);
            backend.indexing().permute(weighted, new int[] {1, 0, 2}, ordered);
            backend.products().multiply(ordered, false, ordered, true, scale, 1, covariance);
        }
    }
}
