// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.module.UnitCurvature;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * A product y = a · b. With cotangents g, g · bᵀ comes back to a and aᵀ · g to b, each summed over the axes along which
 * it was stretched; the same with a tangent of the other factor in its place is the second derivative, of which nothing
 * but this mixed part is there.
 *
 * @param output {@code [N, *out]}
 * @param a {@code [N, *a]}
 * @param b {@code [N, *b]}
 * @param sample the shape of one sample of the output
 */
record MatMulEvaluation(Tensor output, Tensor a, Tensor b, Shape sample) implements Evaluation {

    static MatMulEvaluation of(EvaluationContext context, Tensor a, Tensor b, Shape sample) {
        Tensor output = context.scope().allocate(sample.prepend(a.shape().size(0)), a.dtype());
        MatMulEvaluation evaluation = new MatMulEvaluation(output, a, b, sample);
        try (TensorScope scope = context.backend().openScope()) {
            Tensor target = scope.view(output, output.shape().prepend(1));
            evaluation.multiply(
                    context.backend(),
                    scope.view(a, a.shape().prepend(1)),
                    scope.view(b, b.shape().prepend(1)),
                    target);
        }
        return evaluation;
    }

    /** destination = left · right, of {@code [V, N, *]} each; V and N may be one in either. */
    private void multiply(Backend backend, Tensor left, Tensor right, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            backend.products().multiply(aligned(scope, left), false, aligned(scope, right), false, 1, 0, destination);
        }
    }

    /** {@code [V, N, *a]} with axes of size one for those that it lacks. */
    private Tensor aligned(TensorScope scope, Tensor columns) {
        Shape shape = columns.shape();
        return scope.view(
                columns, MatMul.stretched(shape.dropFirst(2), sample.rank()).prepend(shape.size(0), shape.size(1)));
    }

    /** destination = cotangents · rightᵀ, or leftᵀ · cotangents, of {@code [V, N, *]} each. */
    private Tensor pulled(EvaluationContext context, Tensor cotangents, int index, Tensor other) {
        Backend backend = context.backend();
        Tensor factor = index == 0 ? a : b;
        long columns = Math.max(cotangents.shape().size(0), other.shape().size(0));
        Tensor result = context.scope().allocate(factor.shape().prepend(columns), factor.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor right = aligned(scope, other);
            Shape own = aligned(scope, result).shape();
            Shape whole =
                    sample.prepend(columns, own.size(1)).with(-2, own.size(-2)).with(-1, own.size(-1));
            boolean isWhole = whole.equals(own);
            Tensor product = isWhole ? scope.view(result, whole) : scope.allocate(whole, result.dtype());
            if (index == 0) {
                backend.products().multiply(cotangents, false, right, true, 1, 0, product);
            } else {
                backend.products().multiply(right, true, cotangents, false, 1, 0, product);
            }
            if (!isWhole) {
                backend.elementwise().copy(summed(backend, scope, product, own), scope.view(result, own));
            }
        }
        return result;
    }

    /** Sums over the axes that have size one in {@code target}. */
    private static Tensor summed(Backend backend, TensorScope scope, Tensor product, Shape target) {
        Tensor sum = product;
        for (int axis = 0; axis < target.rank(); axis++) {
            if (sum.shape().size(axis) != target.size(axis)) {
                Tensor reduced = scope.allocate(Checks.without(sum.shape(), axis), sum.dtype());
                backend.reductions().reduce(Reduction.SUM, sum, axis, axis + 1, reduced);
                sum = scope.view(reduced, sum.shape().with(axis, 1));
            }
        }
        return sum;
    }

    private Tensor asColumn(EvaluationContext context, Tensor factor) {
        return context.scope().view(factor, factor.shape().prepend(1));
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return index -> pulled(context, cotangents, index, asColumn(context, index == 0 ? b : a));
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Backend backend = context.backend();
        Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
        backend.elementwise().fill(result, 0);
        try (TensorScope scope = backend.openScope()) {
            Tensor term = scope.allocate(result.shape(), result.dtype());
            tangents.input(0).ifPresent(moved -> {
                multiply(backend, moved, scope.view(b, b.shape().prepend(1)), term);
                backend.elementwise().addScaled(1, term, result);
            });
            tangents.input(1).ifPresent(moved -> {
                multiply(backend, scope.view(a, a.shape().prepend(1)), moved, term);
                backend.elementwise().addScaled(1, term, result);
            });
        }
        return result;
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return index -> tangents.input(1 - index).map(other -> pulled(context, cotangents, index, other));
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        List<Shape> inputs = List.of(a.shape().dropFirst(1), b.shape().dropFirst(1));
        int smaller = inputs.get(0).elements() <= inputs.get(1).elements() ? 0 : 1;
        return Optional.of(UnitCurvature.of(context, this, cotangents, inputs, List.of(smaller), List.of()));
    }
}
