// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Binary cross-entropy at N samples: the negative log-likelihood of targets that are 1 with probability σ(f). */
final class LogisticEvaluation extends CurvedElementEvaluation {

    private static final Activation SIGMOID = Activation.of(Activation.Kind.SIGMOID);

    LogisticEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        super(context, output, targets, normaliser);
    }

    /** max(f, 0) − f y + log(1 + exp(−|f|)): neither overflows nor loses small values. */
    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        Tensor zero = scope.allocate(Shape.of(), output.dtype());
        ops.fill(zero, 0);
        Tensor part = scope.allocate(output.shape(), output.dtype());
        ops.combine(BinaryOperation.MAXIMUM, output, zero, destination);
        ops.combine(BinaryOperation.MULTIPLY, output, targets, part);
        ops.addScaled(-1, part, destination);
        ops.apply(UnaryOperation.ABS, output, part);
        ops.affine(part, -1, 0, part);
        ops.apply(UnaryOperation.EXP, part, part);
        ops.apply(UnaryOperation.LOG1P, part, part);
        ops.addScaled(1, part, destination);
    }

    /** σ(f) − y. */
    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        ops.activation(SIGMOID, 0, output, destination);
        ops.addScaled(-1, targets, destination);
    }

    /** σ(f) − ỹ, ỹ = 1 where a uniform number is below σ(f), compared in double precision. */
    @Override
    void writeDrawn(TensorScope scope, RandomKey key, Tensor destination) {
        Tensor sigmoid = scope.allocate(output.shape(), output.dtype());
        ops.activation(SIGMOID, 0, output, sigmoid);
        Tensor threshold = scope.allocate(output.shape(), DType.FLOAT64);
        ops.copy(sigmoid, threshold);
        Tensor uniform = scope.allocate(output.shape(), DType.FLOAT64);
        backend.random().uniform(key, context.sampleIds(), uniform);
        ops.combine(BinaryOperation.SUBTRACT, threshold, uniform, threshold);
        ops.apply(UnaryOperation.POSITIVE, threshold, threshold);
        ops.copy(threshold, destination);
        ops.combine(BinaryOperation.SUBTRACT, sigmoid, destination, destination);
    }

    /** √(c σ'(f)) times unit vectors. */
    @Override
    public Tensor columns(long from, long to) {
        Tensor result = context.scope().allocate(output.shape().prepend(to - from), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor vectors = unitVectors(scope, from, to, Math.sqrt(normaliser));
            Tensor roots = scope.allocate(output.shape(), output.dtype());
            ops.activation(SIGMOID, 1, output, roots);
            ops.apply(UnaryOperation.SQRT, roots, roots);
            Tensor rows = scope.view(roots, Shape.of(samples, elements));
            Tensor columns = scope.view(result, Shape.of(to - from, samples, elements));
            ops.combine(BinaryOperation.MULTIPLY, vectors, rows, columns);
        }
        return result;
    }

    /** c σ'(f) ⊙ t. */
    @Override
    public Tensor multiply(Tensor tangents) {
        Tensor result = context.scope().allocate(tangents.shape(), tangents.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor slopes = scope.allocate(output.shape(), output.dtype());
            ops.activation(SIGMOID, 1, output, slopes);
            ops.affine(slopes, normaliser, 0, slopes);
            ops.combine(BinaryOperation.MULTIPLY, tangents, slopes, result);
        }
        return result;
    }
}
