// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** The negative log-likelihood of normal targets with mean f and given variances v. */
final class GaussianEvaluation extends DiagonalEvaluation {

    private final ElementNumbers variances;
    private final double constant;

    /**
     * At some samples.
     *
     * @param variances v, positive
     * @param constant what every element's loss has besides
     */
    GaussianEvaluation(
            EvaluationContext context,
            Tensor output,
            Tensor targets,
            double normaliser,
            ElementNumbers variances,
            double constant) {
        super(context, output, targets, normaliser);
        this.variances = variances;
        this.constant = constant;
    }

    /** ½ (log v + (f − t)² / v). */
    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.apply(UnaryOperation.SQUARE, destination, destination);
        ops.combine(BinaryOperation.MULTIPLY, destination, precisions(scope), destination);
        Tensor logarithms = variances.map(Math::log).tensor(scope, output.dtype(), output.shape());
        ops.combine(BinaryOperation.ADD, destination, logarithms, destination);
        ops.affine(destination, 0.5, constant, destination);
    }

    /** (f − t) / v. */
    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.combine(BinaryOperation.MULTIPLY, destination, precisions(scope), destination);
    }

    /** 1 / v. */
    @Override
    void writeCurvatures(TensorScope scope, Tensor targets, Tensor destination) {
        ops.fill(destination, 1);
        ops.combine(BinaryOperation.MULTIPLY, destination, precisions(scope), destination);
    }

    private Tensor precisions(TensorScope scope) {
        return variances.map(variance -> 1 / variance).tensor(scope, output.dtype(), output.shape());
    }
}
