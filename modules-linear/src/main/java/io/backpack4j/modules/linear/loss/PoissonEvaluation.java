// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** The negative log-likelihood of Poisson-distributed counts t, the output being their mean or its logarithm. */
final class PoissonEvaluation extends DiagonalEvaluation {

    private final PoissonNLLLoss loss;

    PoissonEvaluation(
            EvaluationContext context, Tensor output, Tensor targets, double normaliser, PoissonNLLLoss loss) {
        super(context, output, targets, normaliser);
        this.loss = loss;
    }

    /** e^f − t f, or f − t log(f + ε); with Stirling's approximation of log t! if asked for. */
    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        Tensor logarithm = output;
        if (loss.logInput()) {
            ops.apply(UnaryOperation.EXP, output, destination);
        } else {
            logarithm = scope.allocate(output.shape(), output.dtype());
            ops.affine(output, 1, loss.eps(), logarithm);
            ops.apply(UnaryOperation.LOG, logarithm, logarithm);
            ops.copy(output, destination);
        }
        Tensor part = scope.allocate(output.shape(), output.dtype());
        ops.combine(BinaryOperation.MULTIPLY, targets, logarithm, part);
        ops.addScaled(-1, part, destination);
        if (loss.full()) {
            addStirling(scope, targets, part, destination);
        }
    }

    /** Adds t log t − t + ½ log(2πt) where t is above 1. */
    private void addStirling(TensorScope scope, Tensor targets, Tensor part, Tensor destination) {
        Tensor counts = scope.allocate(output.shape(), output.dtype());
        Tensor logarithms = scope.allocate(output.shape(), output.dtype());
        ops.combine(BinaryOperation.MAXIMUM, targets, number(scope, 1), counts);
        ops.apply(UnaryOperation.LOG, counts, logarithms);
        ops.combine(BinaryOperation.MULTIPLY, counts, logarithms, part);
        ops.addScaled(-1, counts, part);
        ops.addScaled(0.5, logarithms, part);
        ops.affine(part, 1, 0.5 * Math.log(2 * Math.PI), part);
        ops.affine(counts, 1, -1, counts);
        ops.apply(UnaryOperation.POSITIVE, counts, counts);
        ops.combine(BinaryOperation.MULTIPLY, part, counts, part);
        ops.addScaled(1, part, destination);
    }

    /** e^f − t, or 1 − t / (f + ε). */
    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        if (loss.logInput()) {
            ops.apply(UnaryOperation.EXP, output, destination);
            ops.addScaled(-1, targets, destination);
        } else {
            ops.affine(output, 1, loss.eps(), destination);
            ops.combine(BinaryOperation.DIVIDE, targets, destination, destination);
            ops.affine(destination, -1, 1, destination);
        }
    }

    /** e^f, or t / (f + ε)². */
    @Override
    void writeCurvatures(TensorScope scope, Tensor targets, Tensor destination) {
        if (loss.logInput()) {
            ops.apply(UnaryOperation.EXP, output, destination);
        } else {
            ops.affine(output, 1, loss.eps(), destination);
            ops.apply(UnaryOperation.SQUARE, destination, destination);
            ops.combine(BinaryOperation.DIVIDE, targets, destination, destination);
        }
    }
}
