// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** What becomes of all elements of factored gradients together; one group, positions first. */
record FactorReductions(Backend backend, DType dtype, long columns, long samples, FactorSizes sizes) {

    /**
     * Raises −min, max and the greatest magnitude of gradients with one position. Rounding keeps the order of products,
     * so that these are the extremes of rounded products too.
     *
     * @param destination {@code [3]}
     */
    void extremes(PerSampleProduct product, Tensor destination) {
        if (columns * samples * sizes.rows() * sizes.columns() == 0) {
            return;
        }
        var ops = backend.elementwise();
        Shape lefts = Shape.of(columns, samples, sizes.rows());
        Shape rights = Shape.of(samples, sizes.columns());
        try (TensorScope scope = backend.openScope()) {
            Tensor[] left = {
                reduced(scope, Reduction.MINIMUM, product.left(), lefts),
                reduced(scope, Reduction.MAXIMUM, product.left(), lefts)
            };
            Tensor[] right = {
                reduced(scope, Reduction.MINIMUM, product.right(), rights),
                reduced(scope, Reduction.MAXIMUM, product.right(), rights)
            };
            Tensor products = scope.allocate(Shape.of(4, columns, samples), dtype);
            for (int i = 0; i < 4; i++) {
                Tensor target = scope.view(scope.rows(products, i, i + 1), Shape.of(columns, samples));
                ops.combine(BinaryOperation.MULTIPLY, left[i / 2], right[i % 2], target);
            }
            Tensor found = scope.allocate(Shape.of(3), dtype);
            Tensor smallest = scope.view(scope.rows(found, 0, 1), Shape.of());
            Tensor largest = scope.view(scope.rows(found, 1, 2), Shape.of());
            backend.reductions().reduce(Reduction.MINIMUM, products, 0, 3, smallest);
            ops.affine(smallest, -1, 0, smallest);
            backend.reductions().reduce(Reduction.MAXIMUM, products, 0, 3, largest);
            Tensor magnitude = scope.view(scope.rows(found, 2, 3), Shape.of());
            ops.combine(BinaryOperation.MAXIMUM, smallest, largest, magnitude);
            ops.combine(BinaryOperation.MAXIMUM, destination, found, destination);
        }
    }

    /** Over the last axis. */
    private Tensor reduced(TensorScope scope, Reduction reduction, Tensor factor, Shape shape) {
        int last = shape.rank() - 1;
        Tensor result = scope.allocate(shape.slice(0, last), dtype);
        backend.reductions().reduce(reduction, scope.view(factor, shape), last, last + 1, result);
        return result;
    }

    /**
     * Adds Σ_vns ‖left_vns‖² ‖right_ns‖².
     *
     * @param destination {@code []}
     */
    void traceOverPositions(PerSampleProduct product, Tensor destination) {
        long joined = samples * sizes.positions();
        try (TensorScope scope = backend.openScope()) {
            Tensor left = norms(scope, product.left(), columns * joined, sizes.rows());
            Tensor right = norms(scope, product.right(), joined, sizes.columns());
            Tensor ofColumns = scope.allocate(Shape.of(columns), dtype);
            backend.contractions()
                    .rowDots(
                            scope.view(left, Shape.of(columns, joined)),
                            scope.view(right, Shape.of(1, joined)),
                            ofColumns);
            Tensor sum = scope.allocate(Shape.of(), dtype);
            backend.reductions().total(ofColumns, sum);
            backend.elementwise().addScaled(1, sum, destination);
        }
    }

    private Tensor norms(TensorScope scope, Tensor factor, long count, long length) {
        Tensor rows = scope.view(factor, Shape.of(count, length));
        Tensor norms = scope.allocate(Shape.of(count), dtype);
        backend.contractions().rowDots(rows, rows, norms);
        return norms;
    }
}
