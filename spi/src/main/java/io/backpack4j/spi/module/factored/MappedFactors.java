// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.GradientMap;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/**
 * Inner products of mapped gradients s ∘ (Lᵀ (Σ_s left_s ⊗ right_s) R), of which L and R are applied to the factors;
 * one group, positions first.
 */
record MappedFactors(Backend backend, DType dtype, long columns, long samples, FactorSizes sizes) {

    /**
     * For all pairs of columns of one sample.
     *
     * @param product all factors
     * @param destination {@code [N, V, V]}, overwritten
     */
    void innerProducts(PerSampleProduct product, GradientMap map, Tensor destination) {
        long positions = sizes.positions();
        try (TensorScope scope = backend.openScope()) {
            Shape lefts = Shape.of(columns * samples * positions, sizes.rows());
            Shape rights = Shape.of(samples * positions, sizes.columns());
            Tensor left = rotated(scope, scope.view(product.left(), lefts), map.left());
            Tensor right = rotated(scope, scope.view(product.right(), rights), map.right());
            Tensor scales = scope.view(map.scales(), Shape.of(sizes.rows(), sizes.columns()));
            if (positions == 1) {
                ofOne(scope, left, right, scales, destination);
            } else {
                ofSeveral(scope, left, right, scales, destination);
            }
        }
    }

    private Tensor rotated(TensorScope scope, Tensor factors, @Nullable Tensor basis) {
        if (basis == null) {
            return factors;
        }
        Tensor result = scope.allocate(factors.shape(), dtype);
        Tensor matrix = scope.view(basis, basis.shape().dropFirst(1));
        backend.products().multiply(factors, false, matrix, false, 1, 0, result);
        return result;
    }

    /** Σ_o l_vo l_wo t_o, where t_o = Σ_i (s_oi r_i)². */
    private void ofOne(TensorScope scope, Tensor left, Tensor right, Tensor scales, Tensor destination) {
        var ops = backend.elementwise();
        Tensor squares = scope.allocate(right.shape(), dtype);
        ops.apply(UnaryOperation.SQUARE, right, squares);
        Tensor weights = scope.allocate(scales.shape(), dtype);
        ops.apply(UnaryOperation.SQUARE, scales, weights);
        Tensor lengths = scope.allocate(Shape.of(samples, sizes.rows()), dtype);
        backend.products().multiply(squares, false, weights, true, 1, 0, lengths);
        ops.apply(UnaryOperation.SQRT, lengths, lengths);
        Tensor images = scope.allocate(Shape.of(columns, samples, sizes.rows()), dtype);
        ops.combine(BinaryOperation.MULTIPLY, scope.view(left, images.shape()), lengths, images);
        GradientMap.addUp(backend, images, destination);
    }

    /** Gradients of all columns of one sample at a time. */
    private void ofSeveral(TensorScope scope, Tensor left, Tensor right, Tensor scales, Tensor destination) {
        long positions = sizes.positions();
        Tensor bySample = scope.view(left, Shape.of(1, samples, columns * positions, sizes.rows()));
        if (columns > 1 && samples > 1) {
            Tensor byColumn = scope.view(left, Shape.of(columns, samples, positions, sizes.rows()));
            Tensor ordered = scope.allocate(Shape.of(samples, columns, positions, sizes.rows()), dtype);
            backend.indexing().permute(byColumn, new int[] {1, 0, 2, 3}, ordered);
            bySample = ordered;
        }
        Tensor lefts = scope.view(bySample, Shape.of(samples * columns, positions, sizes.rows()));
        Tensor rights = scope.view(right, Shape.of(samples, positions, sizes.columns()));
        Tensor images = scope.allocate(Shape.of(columns, sizes.rows(), sizes.columns()), dtype);
        Tensor flat = scope.view(images, Shape.of(columns, 1, sizes.rows() * sizes.columns()));
        for (long n = 0; n < samples; n++) {
            try (TensorScope step = backend.openScope()) {
                Tensor own = step.rows(lefts, n * columns, (n + 1) * columns);
                backend.products().multiply(own, true, step.rows(rights, n, n + 1), false, 1, 0, images);
                backend.elementwise().combine(BinaryOperation.MULTIPLY, images, scales, images);
                GradientMap.addUp(backend, flat, step.rows(destination, n, n + 1));
            }
        }
    }
}
