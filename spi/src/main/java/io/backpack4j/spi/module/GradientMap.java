// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The map T of {@link Contraction.MappedInnerProducts}. Its tensors are views of the operand, and live as long as their
 * scope.
 *
 * @param backend the arithmetic
 * @param bases the parameter's sizes, where T changes the bases
 * @param left L, {@code [G, O, O]}; null without bases
 * @param right R, {@code [G, I, I]}; null without bases or with a diagonal input side
 * @param scales s, {@code *p}, or {@code [G, O, I]} with bases
 */
@Experimental
public record GradientMap(
        Backend backend,
        Optional<KroneckerSizes> bases,
        @Nullable Tensor left,
        @Nullable Tensor right,
        Tensor scales) {

    /**
     * Reads an operand.
     *
     * @param scope of the views
     * @param operand of the shape {@link Contraction.MappedInnerProducts#mapShape}
     */
    public static GradientMap of(
            Backend backend, TensorScope scope, Contraction.MappedInnerProducts contraction, Tensor operand) {
        if (contraction.bases().isEmpty()) {
            return new GradientMap(backend, contraction.bases(), null, null, operand);
        }
        KroneckerSizes sizes = contraction.bases().get();
        Shape outputs = Shape.of(sizes.groups(), sizes.outputs(), sizes.outputs());
        Shape inputs = Shape.of(sizes.groups(), sizes.inputs(), sizes.inputs());
        long first = outputs.elements();
        long second = first + (sizes.diagonalInputs() ? 0 : inputs.elements());
        long end = operand.shape().elements();
        Tensor left = scope.view(scope.rows(operand, 0, first), outputs);
        Tensor right = sizes.diagonalInputs() ? null : scope.view(scope.rows(operand, first, second), inputs);
        Shape matrices = Shape.of(sizes.groups(), sizes.outputs(), sizes.inputs());
        return new GradientMap(
                backend, contraction.bases(), left, right, scope.view(scope.rows(operand, second, end), matrices));
    }

    /**
     * T of some gradients.
     *
     * @param scope owns the result
     * @param gradients {@code [B, *p]}, which may be overwritten
     * @return as many numbers, in the order of the scales
     */
    Tensor apply(TensorScope scope, Tensor gradients) {
        if (left == null) {
            backend.elementwise().combine(BinaryOperation.MULTIPLY, gradients, scales, gradients);
            return gradients;
        }
        KroneckerSizes sizes = bases.orElseThrow();
        long batch = gradients.shape().size(0);
        Shape shape = Shape.of(batch, sizes.groups(), sizes.outputs(), sizes.inputs());
        Tensor rotated = scope.allocate(shape, gradients.dtype());
        Tensor matrices = outputsFirst(scope, gradients, sizes, shape);
        Tensor lefts = scope.view(left, left.shape().prepend(1));
        backend.products().multiply(lefts, true, matrices, false, 1, 0, rotated);
        if (right != null) {
            rightProduct(scope, rotated, right, matrices);
            rotated = matrices;
        }
        backend.elementwise().combine(BinaryOperation.MULTIPLY, rotated, scales, rotated);
        return rotated;
    }

    /** One product where there is one group. */
    private void rightProduct(TensorScope scope, Tensor matrices, Tensor factor, Tensor destination) {
        Shape shape = matrices.shape();
        if (shape.size(1) > 1) {
            Tensor factors = scope.view(factor, factor.shape().prepend(1));
            backend.products().multiply(matrices, false, factors, false, 1, 0, destination);
            return;
        }
        Shape rows = Shape.of(shape.elements(0, 3), shape.size(3));
        Tensor whole = scope.view(factor, factor.shape().dropFirst(1));
        backend.products()
                .multiply(scope.view(matrices, rows), false, whole, false, 1, 0, scope.view(destination, rows));
    }

    /** Gradients as matrices whose rows are the output side's, also where some of the inputs' axes stand in front. */
    private Tensor outputsFirst(TensorScope scope, Tensor gradients, KroneckerSizes sizes, Shape shape) {
        long leading = sizes.leading();
        if (leading == 1) {
            return scope.view(gradients, shape);
        }
        long batch = shape.elements(0, 2);
        long inner = sizes.inputs() / leading;
        Tensor source = scope.view(gradients, Shape.of(batch, leading, sizes.outputs(), inner));
        Tensor permuted = scope.allocate(Shape.of(batch, sizes.outputs(), leading, inner), gradients.dtype());
        backend.indexing().permute(source, new int[] {0, 2, 1, 3}, permuted);
        return scope.view(permuted, shape);
    }

    /**
     * Inner products of the columns of every sample.
     *
     * @param images {@code [V, N, K]}
     * @param destination {@code [N, V, V]}, overwritten
     */
    public static void addUp(Backend backend, Tensor images, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = images.shape();
            Shape bySample = Shape.of(shape.size(1), shape.size(0), shape.size(2));
            Tensor ordered;
            if (shape.size(0) == 1 || shape.size(1) == 1) {
                ordered = scope.view(images, bySample);
            } else {
                ordered = scope.allocate(bySample, images.dtype());
                backend.indexing().permute(images, new int[] {1, 0, 2}, ordered);
            }
            backend.products().multiply(ordered, false, ordered, true, 1, 0, destination);
        }
    }
}
