// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Approximate inverses of curvature matrices, for {@link ConjugateGradients}. They must be symmetric and positive
 * definite.
 */
public final class Preconditioners {

    private Preconditioners() {}

    /** What one parameter's part of a vector is multiplied with. */
    @FunctionalInterface
    public interface Block {
        /**
         * The product.
         *
         * @param target owns the result
         * @param vectors {@code [V, *p]}
         * @return {@code [V, *p]}
         */
        Tensor multiply(TensorScope target, Tensor vectors);
    }

    /**
     * The inverse (D + λI)⁻¹ of a damped diagonal.
     *
     * @param target owns the diagonal
     * @param diagonals D, {@code *p} by name, all parameters of the layout
     * @param damping λ
     * @throws BackpackException if an element of D + λI is not positive
     */
    public static LinearOperator diagonal(
            TensorScope target, ParameterLayout layout, Map<String, Tensor> diagonals, double damping) {
        Tensor diagonal = target.allocate(Shape.of(1, layout.size()), layout.dtype());
        var elementwise = layout.backend().elementwise();
        try (TensorScope scope = layout.backend().openScope()) {
            Map<String, Tensor> parts = new LinkedHashMap<>();
            diagonals.forEach((name, part) ->
                    parts.put(name, scope.view(part, part.shape().prepend(1))));
            layout.join(parts, diagonal);
            elementwise.affine(diagonal, 1, damping, diagonal);
            Tensor smallest = scope.allocate(Shape.of(1), layout.dtype());
            layout.backend().reductions().reduce(Reduction.MINIMUM, diagonal, 1, 2, smallest);
            // Not: smallest <= 0, for NaN is not positive either.
            if (!(smallest.item() > 0)) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "The smallest element of the diagonal plus damping %s is %s: it has no positive inverse. Add damping."
                                .formatted(damping, smallest.item()));
            }
        }
        return new LayoutOperator(
                layout, (x, destination) -> elementwise.combine(BinaryOperation.DIVIDE, x, diagonal, destination));
    }

    /**
     * One matrix per parameter, such as the damped inverse of Kronecker factors:
     *
     * <pre>{@code
     * Map<String, Preconditioners.Block> blocks = new HashMap<>();
     * for (String name : ggn.layout().names()) {
     *     blocks.put(name, results.get(kfac, name).dampedInverse(scope, damping)::multiply);
     * }
     * LinearOperator preconditioner = Preconditioners.blockDiagonal(ggn.layout(), blocks);
     * }</pre>
     *
     * @param blocks by name, for all parameters of the layout
     */
    public static LinearOperator blockDiagonal(ParameterLayout layout, Map<String, Block> blocks) {
        Map<String, Block> all = Map.copyOf(blocks);
        if (!all.keySet().equals(Set.copyOf(layout.names()))) {
            throw new BackpackException(
                    CommonProblems.UNKNOWN_PARAMETER,
                    "Blocks are needed for parameters %s, but are given for %s."
                            .formatted(layout.names(), blocks.keySet()));
        }
        return new LayoutOperator(layout, (x, destination) -> {
            try (TensorScope scope = layout.backend().openScope()) {
                Map<String, Tensor> products = new LinkedHashMap<>();
                layout.split(scope, x)
                        .forEach((name, part) -> products.put(
                                name, Objects.requireNonNull(all.get(name)).multiply(scope, part)));
                layout.join(products, destination);
            }
        });
    }
}
