// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Sums of factored gradients, of their squares and of their products with given tensors, as products of matrices. */
record FactorSums(Backend backend, DType dtype, long columns, long samples, FactorSizes sizes) {

    /** Σ_n Σ_s left ⊗ right: one product over all samples and positions per column. */
    void sum(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        Tensor left = scope.view(product.left(), Shape.of(columns(), joined(), sizes.rows()));
        Tensor right = scope.view(product.right(), Shape.of(1, joined(), sizes.columns()));
        Tensor target = scope.view(task.destination(), Shape.of(columns(), sizes.rows(), sizes.columns()));
        backend().products().multiply(left, true, right, false, 1, kept(task), target);
    }

    /**
     * Σ_ns (Σ_v w_vn left_vns²) ⊗ right_ns²: right for one position, and for positions that stand alone as if each were
     * a sample.
     */
    void sumOfSquares(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        Tensor summed = squaredLeft(scope, product, task);
        Tensor right = squaredRight(scope, product);
        Tensor target = scope.view(task.destination(), Shape.of(sizes.rows(), sizes.columns()));
        backend().products().multiply(summed, true, right, false, 1, kept(task), target);
    }

    void sumOfSquaresPerSample(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        Tensor left = scope.view(squaredLeft(scope, product, task), Shape.of(samples(), 1, sizes.rows()));
        Tensor right = scope.view(squaredRight(scope, product), Shape.of(samples(), 1, sizes.columns()));
        Tensor target = scope.view(task.destination(), Shape.of(samples(), sizes.rows(), sizes.columns()));
        backend().products().multiply(left, true, right, false, 1, kept(task), target);
    }

    /** Σ_v w_vn left_vns², {@code [N · S, M]}. */
    private Tensor squaredLeft(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        var ops = backend().elementwise();
        Tensor squares = scope.allocate(Shape.of(columns() * joined(), sizes.rows()), dtype());
        ops.apply(UnaryOperation.SQUARE, scope.view(product.left(), squares.shape()), squares);
        if (task.operand() != null) {
            Tensor weights = scope.view(task.operand(), Shape.of(columns() * samples(), 1));
            ops.combine(BinaryOperation.MULTIPLY, squares, weights, squares);
        }
        if (columns() == 1) {
            return squares;
        }
        Tensor summed = scope.allocate(Shape.of(joined(), sizes.rows()), dtype());
        Tensor byColumn = scope.view(squares, summed.shape().prepend(columns()));
        backend().reductions().reduce(Reduction.SUM, byColumn, 0, 1, summed);
        return summed;
    }

    /** ⟨u_k, g_vn⟩ = Σ_s ⟨left_vns, u_k right_ns⟩. */
    void dot(TensorScope scope, PerSampleProduct product, Tensor vectors, Tensor destination) {
        long count = vectors.shape().size(0);
        Tensor matrices = scope.view(vectors, Shape.of(count, sizes.rows(), sizes.columns()));
        Tensor right = scope.view(product.right(), Shape.of(1, joined(), sizes.columns()));
        Tensor images = scope.allocate(Shape.of(count, joined(), sizes.rows()), dtype());
        backend().products().multiply(right, false, matrices, true, 1, 0, images);
        long perSample = sizes.positions() * sizes.rows();
        Tensor left = scope.view(product.left(), Shape.of(columns() * samples(), perSample));
        Tensor flat = scope.view(destination, Shape.of(count * columns() * samples()));
        Tensor imageRows = scope.view(images, Shape.of(count * samples(), perSample));
        for (long k = 0; k < count; k++) {
            for (long v = 0; v < columns(); v++) {
                long first = (k * columns() + v) * samples();
                backend()
                        .contractions()
                        .rowDots(
                                scope.rows(left, v * samples(), (v + 1) * samples()),
                                scope.rows(imageRows, k * samples(), (k + 1) * samples()),
                                scope.rows(flat, first, first + samples()));
            }
        }
    }

    /** ⟨g_n, Σ_m g_m⟩ = Σ_m ⟨left_n, left_m⟩ ⟨right_n, right_m⟩, or with the sum of a batch that this is part of. */
    void dotWithSum(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        if (task.operand() != null) {
            dot(scope, product, task.operand(), task.destination());
            return;
        }
        dotsWithSum(scope, product, scope.view(task.destination(), Shape.of(samples)));
    }

    /** The same of the samples that are there, {@code [N]}. */
    void dotsWithSum(TensorScope scope, PerSampleProduct product, Tensor destination) {
        Tensor ofLefts = gram(scope, product.left(), sizes.rows());
        Tensor ofRights = gram(scope, product.right(), sizes.columns());
        backend.contractions().rowDots(ofLefts, ofRights, destination);
    }

    /** Inner products of all pairs of samples' factors, {@code [N, N]}. */
    private Tensor gram(TensorScope scope, Tensor factors, long length) {
        Tensor rows = scope.view(factors, Shape.of(samples, length));
        Tensor gram = scope.allocate(Shape.of(samples, samples), dtype);
        backend.products().multiply(rows, false, rows, true, 1, 0, gram);
        return gram;
    }

    /** Σ_vn w_kvn g_vn: columns share their right factor, so they are added first. */
    void weightedSum(TensorScope scope, PerSampleProduct product, Tensor weights, Tensor destination) {
        long count = weights.shape().size(0);
        long perSample = sizes.positions() * sizes.rows();
        Tensor left = scope.view(product.left(), Shape.of(columns() * samples(), perSample));
        Tensor right = scope.view(product.right(), Shape.of(joined(), sizes.columns()));
        Tensor flatWeights = scope.view(weights, Shape.of(count * columns() * samples(), 1));
        Tensor scaled = scope.allocate(left.shape(), dtype());
        Tensor targets = scope.view(destination, Shape.of(count, sizes.rows(), sizes.columns()));
        for (long k = 0; k < count; k++) {
            try (TensorScope step = backend().openScope()) {
                long first = k * columns() * samples();
                Tensor own = step.rows(flatWeights, first, first + columns() * samples());
                backend().elementwise().combine(BinaryOperation.MULTIPLY, left, own, scaled);
                Tensor summed = step.view(overColumns(step, scaled), Shape.of(joined(), sizes.rows()));
                Tensor target = step.rows(targets, k, k + 1);
                backend()
                        .products()
                        .multiply(
                                summed,
                                true,
                                right,
                                false,
                                1,
                                1,
                                step.view(target, Shape.of(sizes.rows(), sizes.columns())));
            }
        }
    }

    private Tensor overColumns(TensorScope scope, Tensor rows) {
        if (columns() == 1) {
            return rows;
        }
        long length = rows.shape().elements(1, rows.shape().rank());
        Tensor summed = scope.allocate(Shape.of(samples(), length), dtype());
        Tensor byColumn = scope.view(rows, Shape.of(columns(), samples(), length));
        backend().reductions().reduce(Reduction.SUM, byColumn, 0, 1, summed);
        return summed;
    }

    private Tensor squaredRight(TensorScope scope, PerSampleProduct product) {
        Tensor squares = scope.allocate(Shape.of(joined(), sizes.columns()), dtype());
        backend().elementwise().apply(UnaryOperation.SQUARE, scope.view(product.right(), squares.shape()), squares);
        return squares;
    }

    /** The factor of what a destination holds. */
    private static double kept(ContractionTask task) {
        return task.accumulate() ? 1 : 0;
    }

    /** Samples times positions. */
    private long joined() {
        return samples() * sizes.positions();
    }
}
