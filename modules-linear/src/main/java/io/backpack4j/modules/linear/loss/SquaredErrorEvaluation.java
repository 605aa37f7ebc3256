// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/** Squared error at N samples: the negative log-likelihood of normal targets with mean f and variance 1/2. */
final class SquaredErrorEvaluation extends CurvedElementEvaluation {

    SquaredErrorEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        super(context, output, targets, normaliser);
    }

    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.apply(UnaryOperation.SQUARE, destination, destination);
    }

    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.affine(destination, 2, 0, destination);
    }

    /** 2 (ỹ − f) = √2 z with z standard normal. */
    @Override
    void writeDrawn(TensorScope scope, RandomKey key, Tensor destination) {
        backend.random().normal(key, context.sampleIds(), destination);
        ops.affine(destination, Math.sqrt(2), 0, destination);
    }

    /** √(2c) times unit vectors, the same for all samples. */
    @Override
    public Tensor columns(long from, long to) {
        Tensor result = context.scope().allocate(output.shape().prepend(to - from), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor vectors = unitVectors(scope, from, to, Math.sqrt(2 * normaliser));
            Tensor zeros = scope.allocate(Shape.of(samples, 1), output.dtype());
            ops.fill(zeros, 0);
            Tensor columns = scope.view(result, Shape.of(to - from, samples, elements));
            ops.combine(BinaryOperation.ADD, vectors, zeros, columns);
        }
        return result;
    }

    @Override
    public Optional<SuperposedRoot> superposed() {
        return output.shape().rank() < 2 ? Optional.empty() : Optional.of(new Superposed());
    }

    /** √(2c) times the unit vectors of the last axis, the same at all samples and positions. */
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
                double value = Math.sqrt(2 * normaliser);
                Tensor rows = OneHot.rows(backend, scope, output.dtype(), from, to, j -> j, features, value);
                Tensor vectors = scope.view(rows, Shape.of(to - from, 1, features));
                long joined =
                        samples * output.shape().elements(1, output.shape().rank() - 1);
                Tensor zeros = scope.allocate(Shape.of(joined, 1), output.dtype());
                ops.fill(zeros, 0);
                Tensor columns = scope.view(result, Shape.of(to - from, joined, features));
                ops.combine(BinaryOperation.ADD, vectors, zeros, columns);
            }
            return result;
        }
    }

    /** 2c t. */
    @Override
    public Tensor multiply(Tensor tangents) {
        Tensor result = context.scope().allocate(tangents.shape(), tangents.dtype());
        ops.affine(tangents, 2 * normaliser, 0, result);
        return result;
    }
}
