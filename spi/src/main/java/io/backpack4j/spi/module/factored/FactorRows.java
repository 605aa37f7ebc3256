// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.GradientRows;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** The rows of gradients in one group: parts of their left factors times the right ones. */
record FactorRows(Backend backend, PerSampleProduct product) implements GradientRows {

    @Override
    public long count() {
        return product.rows();
    }

    @Override
    public void write(long from, long to, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Region region = Region.all(product.left().shape()).with(product.leftTransposed() ? 3 : 2, from, to - from);
            Tensor left = product.left();
            if (to - from < product.rows()) {
                left = scope.allocate(region.shape(), left.dtype());
                backend.indexing().extract(product.left(), region, left);
            }
            // All columns of a sample share its right factor.
            long samples = product.samples();
            long columns = product.batch() / samples;
            backend.products()
                    .multiply(
                            matrices(scope, left, columns, samples),
                            product.leftTransposed(),
                            matrices(scope, product.right(), 1, samples),
                            product.rightTransposed(),
                            1,
                            0,
                            scope.view(destination, Shape.of(columns, samples, to - from, product.columns())));
        }
    }

    /** Factors of one group, {@code [V, N, ·, ·]}. */
    private static Tensor matrices(TensorScope scope, Tensor factors, long columns, long samples) {
        Shape shape = factors.shape();
        return scope.view(factors, Shape.of(columns, samples, shape.size(2), shape.size(3)));
    }
}
