// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** t (log t − f) of probabilities t and logarithms f. */
final class DivergenceEvaluation extends FlatElementEvaluation {

    private final boolean logTarget;

    DivergenceEvaluation(
            EvaluationContext context, Tensor output, Tensor targets, double normaliser, boolean logTarget) {
        super(context, output, targets, normaliser);
        this.logTarget = logTarget;
    }

    /** Zero where t is, as its limit is. */
    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        if (logTarget) {
            ops.copy(targets, destination);
        } else {
            double smallest = output.dtype() == DType.FLOAT64 ? Double.MIN_NORMAL : Float.MIN_NORMAL;
            ops.combine(BinaryOperation.MAXIMUM, targets, number(scope, smallest), destination);
            ops.apply(UnaryOperation.LOG, destination, destination);
        }
        ops.addScaled(-1, output, destination);
        Tensor probabilities = scope.allocate(output.shape(), output.dtype());
        writeDerivatives(scope, targets, probabilities);
        ops.combine(BinaryOperation.MULTIPLY, destination, probabilities, destination);
        ops.affine(destination, -1, 0, destination);
    }

    /** −t. */
    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        if (logTarget) {
            ops.apply(UnaryOperation.EXP, targets, destination);
        } else {
            ops.copy(targets, destination);
        }
        ops.affine(destination, -1, 0, destination);
    }
}
