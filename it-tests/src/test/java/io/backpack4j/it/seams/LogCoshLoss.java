// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** A third party's loss: log cosh(f − y), averaged over all numbers, with a gradient and nothing else. */
record LogCoshLoss() implements Loss {

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        if (!output.equals(targets)) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH, "LogCoshLoss needs targets of shape " + output + ".");
        }
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return 1.0 / output.elements();
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        var ops = context.backend().elementwise();
        var scope = context.scope();
        Tensor difference = scope.allocate(output.shape(), output.dtype());
        ops.combine(BinaryOperation.SUBTRACT, output, targets, difference);
        return new LossEvaluation() {
            @Override
            public Tensor values() {
                // log cosh x = |x| + log1p(exp(-2|x|)) - log 2
                Tensor absolute = scope.allocate(output.shape(), output.dtype());
                ops.apply(UnaryOperation.ABS, difference, absolute);
                Tensor tail = scope.allocate(output.shape(), output.dtype());
                ops.affine(absolute, -2, 0, tail);
                ops.apply(UnaryOperation.EXP, tail, tail);
                ops.apply(UnaryOperation.LOG1P, tail, tail);
                ops.addScaled(1, tail, absolute);
                ops.affine(absolute, 1, -Math.log(2), absolute);
                Tensor values = scope.allocate(output.shape().slice(0, 1), output.dtype());
                context.backend()
                        .reductions()
                        .reduce(Reduction.SUM, absolute, 1, output.shape().rank(), values);
                return values;
            }

            @Override
            public Tensor gradient() {
                Tensor gradient = scope.allocate(output.shape().prepend(1), output.dtype());
                Tensor flat = scope.view(gradient, output.shape());
                ops.apply(UnaryOperation.TANH, difference, flat);
                ops.affine(flat, normaliser, 0, flat);
                return gradient;
            }
        };
    }
}
