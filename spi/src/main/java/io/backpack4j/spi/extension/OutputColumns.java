// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The unit vectors at the network's output: gradients of single numbers of the output. Nothing of the loss is in them.
 */
public record OutputColumns() implements LossSignal {

    @Override
    public String name() {
        return "unit vectors of the output";
    }

    @Override
    public double degree() {
        return 0;
    }

    @Override
    public long columns(LossEvaluation loss) {
        try (Tensor gradient = loss.gradient()) {
            Shape shape = gradient.shape();
            return shape.elements(2, shape.rank());
        }
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        try (Tensor gradient = loss.gradient();
                TensorScope scope = context.backend().openScope()) {
            Shape shape = gradient.shape();
            DType dtype = gradient.dtype();
            long samples = shape.size(1);
            long size = shape.elements(2, shape.rank());
            Tensor result = context.scope().allocate(shape.with(0, to - from), dtype);
            Tensor units = scope.allocate(Shape.of(to - from, 1, size), dtype);
            context.backend().elementwise().fill(units, 0);
            for (long column = from; column < to; column++) {
                units.write((column - from) * size + column, new double[] {1}, 0, 1);
            }
            Tensor zeros = scope.allocate(Shape.of(samples, 1), dtype);
            context.backend().elementwise().fill(zeros, 0);
            Tensor all = scope.view(result, Shape.of(to - from, samples, size));
            context.backend().elementwise().combine(BinaryOperation.ADD, units, zeros, all);
            return result;
        }
    }
}
