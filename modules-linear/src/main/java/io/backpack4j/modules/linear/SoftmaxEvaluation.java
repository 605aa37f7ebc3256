// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.LineCurvature;
import io.backpack4j.spi.module.Lines;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * A softmax p along an axis, or its logarithm. With ⟨·⟩ for sums over the axis, the Jacobian of p is p ⊙ (d − ⟨p d⟩),
 * its own transpose; with h = p ⊙ (g − ⟨p g⟩) the second derivative of ⟨g p⟩ is diag(h) − h pᵀ − p hᵀ. The Jacobian of
 * log p is d − ⟨p d⟩, transposed d − p ⟨d⟩; the second derivative of ⟨g log p⟩ is −⟨g⟩ (diag(p) − p pᵀ).
 *
 * @param output the output, {@code [N, *]}
 * @param lines its shape as {@code [N, outer, length, inner]}
 * @param isLog whether the output is the logarithm
 */
record SoftmaxEvaluation(Tensor output, Shape lines, boolean isLog) implements Evaluation {

    static SoftmaxEvaluation of(EvaluationContext context, Tensor input, int axis, boolean isLog) {
        Shape shape = input.shape();
        Tensor output = context.scope().allocate(shape, input.dtype());
        if (isLog) {
            context.backend().reductions().logSoftmax(input, axis, output);
        } else {
            context.backend().reductions().softmax(input, axis, output);
        }
        long outer = shape.elements(1, axis);
        long inner = shape.elements(axis + 1, shape.rank());
        return new SoftmaxEvaluation(output, Shape.of(shape.size(0), outer, shape.size(axis), inner), isLog);
    }

    /** p, {@code [N, outer, length, inner]}. */
    private Tensor probabilities(Backend backend, TensorScope scope) {
        if (!isLog) {
            return scope.view(output, lines);
        }
        Tensor p = scope.allocate(lines, output.dtype());
        backend.elementwise().apply(UnaryOperation.EXP, scope.view(output, lines), p);
        return p;
    }

    private Tensor byLine(TensorScope scope, Tensor columns) {
        return scope.view(columns, lines.prepend(columns.shape().size(0)));
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return index -> {
            Tensor result = context.scope().allocate(cotangents.shape(), output.dtype());
            try (TensorScope scope = context.backend().openScope()) {
                Tensor p = probabilities(context.backend(), scope);
                Tensor target = byLine(scope, result);
                Tensor columns = byLine(scope, cotangents);
                if (isLog) {
                    Elementwise ops = context.backend().elementwise();
                    ops.combine(MULTIPLY, new Lines(context.backend(), scope).sum(columns), p, target);
                    ops.combine(SUBTRACT, columns, target, target);
                } else {
                    ofProbabilities(context.backend(), p, columns, target);
                }
            }
            return result;
        };
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Tensor tangent = tangents.input(0).orElseThrow();
        Tensor result = context.scope().allocate(tangent.shape(), output.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            Tensor p = probabilities(context.backend(), scope);
            Tensor target = byLine(scope, result);
            Tensor columns = byLine(scope, tangent);
            if (isLog) {
                Tensor mean = new Lines(context.backend(), scope).dot(columns, p);
                context.backend().elementwise().combine(SUBTRACT, columns, mean, target);
            } else {
                ofProbabilities(context.backend(), p, columns, target);
            }
        }
        return result;
    }

    /** destination = p ⊙ (d − ⟨p d⟩). */
    private static void ofProbabilities(Backend backend, Tensor p, Tensor columns, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor mean = new Lines(backend, scope).dot(columns, p);
            backend.elementwise().combine(SUBTRACT, columns, mean, destination);
            backend.elementwise().combine(MULTIPLY, destination, p, destination);
        }
    }

    /** h, {@code [1, N, outer, length, inner]}, or −⟨g⟩ p. */
    private Tensor diagonal(Backend backend, TensorScope scope, Tensor p, Tensor gradient) {
        Tensor diagonal = scope.allocate(gradient.shape(), output.dtype());
        if (isLog) {
            Tensor sum = new Lines(backend, scope).sum(gradient);
            backend.elementwise().affine(sum, -1, 0, sum);
            backend.elementwise().combine(MULTIPLY, sum, p, diagonal);
        } else {
            ofProbabilities(backend, p, gradient, diagonal);
        }
        return diagonal;
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Tensor tangent = tangents.input(0).orElseThrow();
        return index -> {
            Backend backend = context.backend();
            Elementwise ops = backend.elementwise();
            Tensor result = context.scope().allocate(tangent.shape(), output.dtype());
            try (TensorScope scope = backend.openScope()) {
                Lines along = new Lines(backend, scope);
                Tensor p = probabilities(backend, scope);
                Tensor h = scope.view(diagonal(backend, scope, p, byLine(scope, cotangents)), lines);
                Tensor moved = byLine(scope, tangent);
                Tensor target = byLine(scope, result);
                // h ⊙ (ẋ − ⟨p ẋ⟩), and that is all of it for the logarithm
                ops.combine(SUBTRACT, moved, along.dot(moved, p), target);
                ops.combine(MULTIPLY, target, h, target);
                if (!isLog) {
                    Tensor term = scope.allocate(target.shape(), target.dtype());
                    ops.combine(MULTIPLY, along.dot(moved, h), p, term);
                    ops.addScaled(-1, term, target);
                }
            }
            return Optional.of(result);
        };
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        TensorScope scope = context.scope();
        Tensor p = probabilities(backend, scope);
        Tensor gradient = byLine(scope, cotangents);
        Tensor h = scope.view(diagonal(backend, scope, p, gradient), lines);
        Optional<Tensor> diagonal = Optional.of(scope.view(h, output.shape()));
        Shape perLine = lines.with(2, 1);
        if (isLog) {
            Tensor weights = scope.view(new Lines(backend, scope).sum(gradient), perLine);
            return Optional.of(
                    new LineCurvature(output.shape(), lines, diagonal, List.of(new LineCurvature.Vectors(p, weights))));
        }
        Tensor minus = scope.allocate(perLine, output.dtype());
        ops.fill(minus, -1);
        return Optional.of(
                new LineCurvature(output.shape(), lines, diagonal, LineCurvature.mixed(context, h, p, minus)));
    }
}
