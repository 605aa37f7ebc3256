package org.acme.backpack;

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

/** The negative log-likelihood of counts, up to a constant: exp(f) − y f, averaged over all elements. */
public record PoissonLoss() implements Loss {

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        if (!output.equals(targets) || !targetType.isFloating()) {
            throw new BackpackException(CommonProblems.SHAPE_MISMATCH, "PoissonLoss needs real targets of shape " + output + ".");
        }
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return 1.0 / Math.max(1, output.elements());
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        var ops = context.backend().elementwise();
        var reductions = context.backend().reductions();
        Shape shape = output.shape();
        return new LossEvaluation() {
            @Override
            public Tensor values() {
                Tensor values = context.scope().allocate(shape.slice(0, 1), output.dtype());
                try (var scope = context.backend().openScope()) {
                    Tensor exponentials = scope.allocate(shape, output.dtype());
                    Tensor terms = scope.allocate(shape, output.dtype());
                    ops.apply(UnaryOperation.EXP, output, exponentials);
                    ops.combine(BinaryOperation.MULTIPLY, targets, output, terms);
                    ops.combine(BinaryOperation.SUBTRACT, exponentials, terms, terms);
                    reductions.reduce(Reduction.SUM, terms, 1, shape.rank(), values);
                }
                return values;
            }

            @Override
            public Tensor gradient() {
                Tensor gradient = context.scope().allocate(shape.prepend(1), output.dtype());
                try (var scope = context.backend().openScope()) {
                    Tensor flat = scope.view(gradient, shape);
                    ops.apply(UnaryOperation.EXP, output, flat);
                    ops.combine(BinaryOperation.SUBTRACT, flat, targets, flat);
                }
                ops.affine(gradient, normaliser, 0, gradient);
                return gradient;
            }
        };
    }
}
