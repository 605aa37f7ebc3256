package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/**
 * A batch norm evaluated at a batch.
 *
 * @param module the module
 * @param output the output, {@code [N, C, *]}
 * @param normalised x̂ = (x − mean) / √(variance + eps), {@code [N, C, S]}
 * @param scale weight / √(variance + eps), {@code [C, 1]}
 */
record BatchNormEvaluation(BatchNorm module, Tensor output, Tensor normalised, Tensor scale) implements Evaluation {

    static BatchNormEvaluation of(
            BatchNorm module, EvaluationContext context, Tensor input, Map<String, Tensor> parameters) {
        Elementwise ops = context.backend().elementwise();
        Shape shape = input.shape();
        Shape byChannel = shape.slice(0, 2).append(shape.elements(2, shape.rank()));
        Shape stretched = Shape.of(shape.size(1), 1);
        Tensor normalised = context.scope().allocate(byChannel, input.dtype());
        Tensor scale = context.scope().allocate(stretched, input.dtype());
        Tensor output = context.scope().allocate(shape, input.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            Tensor x = scope.view(input, byChannel);
            Tensor y = scope.view(output, byChannel);
            if (module.usesBatch()) {
                Tensor mean = scope.allocate(stretched, input.dtype());
                average(context.backend(), x, mean);
                ops.combine(BinaryOperation.SUBTRACT, x, mean, normalised);
                ops.apply(UnaryOperation.SQUARE, normalised, y);
                average(context.backend(), y, scale);
            } else {
                Tensor mean = scope.view(Checks.parameter(parameters, BatchNorm.MEAN), stretched);
                ops.combine(BinaryOperation.SUBTRACT, x, mean, normalised);
                ops.copy(scope.view(Checks.parameter(parameters, BatchNorm.VARIANCE), stretched), scale);
            }
            ops.affine(scale, 1, module.eps(), scale);
            ops.apply(UnaryOperation.SQRT, scale, scale);
            ops.apply(UnaryOperation.RECIPROCAL, scale, scale);
            ops.combine(BinaryOperation.MULTIPLY, normalised, scale, normalised);
            if (module.affine()) {
                Tensor weight = scope.view(Checks.parameter(parameters, BatchNorm.WEIGHT), stretched);
                Tensor bias = scope.view(Checks.parameter(parameters, BatchNorm.BIAS), stretched);
                ops.combine(BinaryOperation.MULTIPLY, normalised, weight, y);
                ops.combine(BinaryOperation.ADD, y, bias, y);
                ops.combine(BinaryOperation.MULTIPLY, scale, weight, scale);
            } else {
                ops.copy(normalised, y);
            }
        }
        return new BatchNormEvaluation(module, output, normalised, scale);
    }

    /**
     * The mean over samples and positions.
     *
     * @param x {@code [N, C, S]}
     * @param destination {@code [C, 1]}
     */
    private static void average(Backend backend, Tensor x, Tensor destination) {
        Shape shape = x.shape();
        try (TensorScope scope = backend.openScope()) {
            Tensor perSample = scope.allocate(shape.slice(0, 2), x.dtype());
            backend.reductions().reduce(Reduction.SUM, x, 2, 3, perSample);
            Tensor sum = scope.view(destination, Shape.of(shape.size(1)));
            backend.reductions().reduce(Reduction.SUM, perSample, 0, 1, sum);
            backend.elementwise().affine(sum, 1.0 / Math.max(1, shape.size(0) * shape.size(2)), 0, sum);
        }
    }

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        return module.usesBatch() ? Evaluation.super.curvature(context, cotangents) : Curvature.zero();
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new BatchNormPullback(this, context, cotangents);
    }
}
