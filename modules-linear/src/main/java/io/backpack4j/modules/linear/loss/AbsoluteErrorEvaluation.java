// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** The absolute difference; its derivative at 0 is 0, as in PyTorch. */
final class AbsoluteErrorEvaluation extends FlatElementEvaluation {

    AbsoluteErrorEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        super(context, output, targets, normaliser);
    }

    @Override
    void writeTerms(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.apply(UnaryOperation.ABS, destination, destination);
    }

    @Override
    void writeDerivatives(TensorScope scope, Tensor targets, Tensor destination) {
        ops.combine(BinaryOperation.SUBTRACT, output, targets, destination);
        ops.apply(UnaryOperation.SIGN, destination, destination);
    }
}
