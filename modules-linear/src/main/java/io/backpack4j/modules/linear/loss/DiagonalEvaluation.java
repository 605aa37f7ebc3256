// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A loss of elements whose second derivatives h are at hand. Its draws are √h with a random sign. */
abstract class DiagonalEvaluation extends CurvedElementEvaluation {

    private @Nullable Tensor roots;

    DiagonalEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        super(context, output, targets, normaliser);
    }

    /** Writes h, nowhere negative, with the shape of the output. */
    abstract void writeCurvatures(TensorScope scope, Tensor typedTargets, Tensor destination);

    /** √h with the signs of numbers that are evenly distributed in double precision. */
    @Override
    final void writeDrawn(TensorScope scope, RandomKey key, Tensor destination) {
        Tensor uniform = scope.allocate(output.shape(), DType.FLOAT64);
        backend.random().uniform(key, context.sampleIds(), uniform);
        ops.affine(uniform, -1, 0.5, uniform);
        ops.apply(UnaryOperation.POSITIVE, uniform, uniform);
        ops.affine(uniform, 2, -1, uniform);
        ops.copy(uniform, destination);
        ops.combine(BinaryOperation.MULTIPLY, destination, roots(), destination);
    }

    /** √(c h) times unit vectors. */
    @Override
    public final Tensor columns(long from, long to) {
        Tensor result = context.scope().allocate(output.shape().prepend(to - from), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor vectors = unitVectors(scope, from, to, Math.sqrt(normaliser));
            Tensor rows = scope.view(roots(), Shape.of(samples, elements));
            Tensor columns = scope.view(result, Shape.of(to - from, samples, elements));
            ops.combine(BinaryOperation.MULTIPLY, vectors, rows, columns);
        }
        return result;
    }

    /** c h ⊙ t. */
    @Override
    public final Tensor multiply(Tensor tangents) {
        Tensor result = context.scope().allocate(tangents.shape(), tangents.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor curvatures = scope.allocate(output.shape(), output.dtype());
            writeCurvatures(scope, typedTargets(scope), curvatures);
            ops.affine(curvatures, normaliser, 0, curvatures);
            ops.combine(BinaryOperation.MULTIPLY, tangents, curvatures, result);
        }
        return result;
    }

    @Override
    public final Optional<SuperposedRoot> superposed() {
        return output.shape().rank() < 2 ? Optional.empty() : Optional.of(new Superposed());
    }

    private Tensor roots() {
        Tensor known = roots;
        if (known == null) {
            known = context.scope().allocate(output.shape(), output.dtype());
            try (TensorScope scope = backend.openScope()) {
                writeCurvatures(scope, typedTargets(scope), known);
            }
            ops.apply(UnaryOperation.SQRT, known, known);
            roots = known;
        }
        return known;
    }

    /** √(c h) times the unit vectors of the last axis, at all positions. */
    private final class Superposed implements SuperposedRoot {

        private final long features = output.shape().size(-1);

        @Override
        public long count() {
            return features;
        }

        @Override
        public Tensor columns(long from, long to) {
            Tensor result = context.scope().allocate(output.shape().prepend(to - from), output.dtype());
            try (TensorScope scope = backend.openScope()) {
                double value = Math.sqrt(normaliser);
                Tensor rows = OneHot.rows(backend, scope, output.dtype(), from, to, j -> j, features, value);
                Tensor vectors = scope.view(rows, Shape.of(to - from, 1, features));
                long joined =
                        samples * output.shape().elements(1, output.shape().rank() - 1);
                Tensor ofPositions = scope.view(roots(), Shape.of(joined, features));
                Tensor columns = scope.view(result, Shape.of(to - from, joined, features));
                ops.combine(BinaryOperation.MULTIPLY, vectors, ofPositions, columns);
            }
            return result;
        }
    }
}
