// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Half the squared difference, and beyond a bound δ of the difference its tangent, times a scale. */
final class HuberEvaluation extends DiagonalEvaluation {

    private final double bound;
    private final double scale;

    HuberEvaluation(
            EvaluationContext context, Tensor output, Tensor targets, double normaliser, double bound, double scale) {
        super(context, output, targets, normaliser);
        this.bound = bound;
        this.scale = scale;
    }

    /** m (|d| − m/2), m being the smaller of |d| and δ. */
    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        Tensor bounded = scope.allocate(output.shape(), output.dtype());
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.apply(UnaryOperation.ABS, destination, destination);
        ops.combine(BinaryOperation.MINIMUM, destination, number(scope, bound), bounded);
        ops.addScaled(-0.5, bounded, destination);
        ops.combine(BinaryOperation.MULTIPLY, destination, bounded, destination);
        ops.affine(destination, scale, 0, destination);
    }

    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.combine(BinaryOperation.MINIMUM, destination, number(scope, bound), destination);
        ops.combine(BinaryOperation.MAXIMUM, destination, number(scope, -bound), destination);
        ops.affine(destination, scale, 0, destination);
    }

    /** The scale where |d| is below δ, else 0, as in PyTorch. */
    @Override
    void writeCurvatures(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.apply(UnaryOperation.ABS, destination, destination);
        ops.combine(BinaryOperation.SUBTRACT, number(scope, bound), destination, destination);
        ops.apply(UnaryOperation.POSITIVE, destination, destination);
        ops.affine(destination, scale, 0, destination);
    }
}
