// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.function.Function;

/** Norms and inner products of factored gradients by inner products of their factors. */
record FactorGrams(Backend backend, DType dtype, long columns, long samples, FactorSizes sizes) {

    /**
     * ‖g_vn‖².
     *
     * @param product all factors
     * @param factors those of a block
     * @param destination {@code [V, N]}
     */
    void squaredNorms(PerSampleProduct product, Function<Block, PerSampleProduct> factors, Tensor destination) {
        if (sizes.positions() > 1 || sizes.groups() > 1) {
            for (long column = 0; column < columns; column++) {
                gramNorms(factors, column, destination);
            }
            return;
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor right = scope.allocate(Shape.of(samples), dtype);
            Tensor rights = scope.view(product.right(), Shape.of(samples, sizes.columns()));
            backend.contractions().rowDots(rights, rights, right);
            Tensor lefts = scope.view(product.left(), Shape.of(columns * samples, sizes.rows()));
            Tensor left = scope.view(destination, Shape.of(columns * samples));
            backend.contractions().rowDots(lefts, lefts, left);
            backend.elementwise().combine(BinaryOperation.MULTIPLY, destination, right, destination);
        }
    }

    /** ‖Σ_s left_s ⊗ right_s‖² = Σ_st ⟨left_s, left_t⟩ ⟨right_s, right_t⟩, some samples at a time. */
    private void gramNorms(Function<Block, PerSampleProduct> factors, long column, Tensor destination) {
        long gram = sizes.groups() * sizes.positions() * sizes.positions();
        long run = Math.max(1, Math.min(samples, (1 << 19) / Math.max(1, gram)));
        for (long from = 0; from < samples; from += run) {
            long to = Math.min(samples, from + run);
            try (TensorScope scope = backend.openScope()) {
                PerSampleProduct product = factors.apply(new Block(column, column + 1, from, to));
                Shape shape = Shape.of(to - from, sizes.groups(), sizes.positions(), sizes.positions());
                Tensor left = scope.allocate(shape, dtype);
                boolean leftByPosition = product.leftTransposed();
                backend.products()
                        .multiply(product.left(), !leftByPosition, product.left(), leftByPosition, 1, 0, left);
                Tensor right = scope.allocate(shape, dtype);
                boolean rightByPosition = !product.rightTransposed();
                backend.products()
                        .multiply(product.right(), !rightByPosition, product.right(), rightByPosition, 1, 0, right);
                Shape rows = Shape.of(to - from, gram);
                Tensor flat = scope.view(destination, Shape.of(columns * samples));
                Tensor target = scope.rows(flat, column * samples + from, column * samples + to);
                backend.contractions().rowDots(scope.view(left, rows), scope.view(right, rows), target);
            }
        }
    }

    /**
     * ⟨g_vn, g_wm⟩ = Σ_st ⟨left_vns, left_wmt⟩ ⟨right_ns, right_mt⟩; one group, positions first.
     *
     * @param product all factors
     * @param sameSample whether n = m only
     * @param destination {@code [N, V, V]}, or {@code [V · N, V · N]}
     */
    void innerProducts(PerSampleProduct product, boolean sameSample, Tensor destination) {
        long positions = sizes.positions();
        long batch = sameSample ? samples : 1;
        long vectors = sameSample ? positions : samples * positions;
        try (TensorScope scope = backend.openScope()) {
            Tensor left = scope.view(product.left(), Shape.of(batch, columns * vectors, sizes.rows()));
            if (sameSample && columns > 1) {
                left = scope.allocate(Shape.of(samples, columns, positions, sizes.rows()), dtype);
                Shape byColumn = Shape.of(columns, samples, positions, sizes.rows());
                backend.indexing().permute(scope.view(product.left(), byColumn), new int[] {1, 0, 2, 3}, left);
                left = scope.view(left, Shape.of(samples, columns * positions, sizes.rows()));
            }
            Tensor right = scope.view(product.right(), Shape.of(batch, vectors, sizes.columns()));
            Tensor rights = scope.allocate(Shape.of(batch, vectors, vectors), dtype);
            backend.products().multiply(right, false, right, true, 1, 0, rights);
            Shape shape = Shape.of(batch, columns * vectors, columns * vectors);
            Tensor lefts = positions == 1 ? scope.view(destination, shape) : scope.allocate(shape, dtype);
            backend.products().multiply(left, false, left, true, 1, 0, lefts);
            Tensor blocks = scope.view(lefts, Shape.of(batch, columns, vectors, columns, vectors));
            Tensor factors = scope.view(rights, Shape.of(batch, 1, vectors, 1, vectors));
            backend.elementwise().combine(BinaryOperation.MULTIPLY, blocks, factors, blocks);
            if (positions > 1) {
                addUpPositions(scope, lefts, destination);
            }
        }
    }

    /** Σ_st of {@code [·, S, ·, S]}: first the last axis, then the other. */
    private void addUpPositions(TensorScope scope, Tensor products, Tensor destination) {
        long positions = sizes.positions();
        long others = products.shape().size(2) / positions;
        long gradients = destination.shape().elements() / others;
        Tensor summed = scope.allocate(Shape.of(gradients, positions, others), dtype);
        Tensor byLast = scope.view(products, Shape.of(gradients * positions * others, positions));
        backend.reductions()
                .reduce(
                        Reduction.SUM,
                        byLast,
                        1,
                        2,
                        scope.view(summed, Shape.of(summed.shape().elements())));
        backend.reductions().reduce(Reduction.SUM, summed, 1, 2, scope.view(destination, Shape.of(gradients, others)));
    }
}
