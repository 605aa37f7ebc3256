// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Optional;

/**
 * A batch norm evaluated at a batch.
 *
 * @param module the module
 * @param coupled whether mean and variance are the batch's and change with it; otherwise they are constants
 * @param output the output, {@code [N, C, *]}
 * @param normalised x̂ = (x − mean) / √(variance + eps), {@code [N, C, S]}
 * @param inverseDeviation 1 / √(variance + eps), {@code [C, 1]}
 * @param scale weight / √(variance + eps), {@code [C, 1]}
 * @param tracked the batch's mean and variance, for buffers that follow them
 */
record BatchNormEvaluation(
        BatchNorm module,
        boolean coupled,
        Tensor output,
        Tensor normalised,
        Tensor inverseDeviation,
        Tensor scale,
        Optional<BatchMoments> tracked)
        implements Evaluation {

    static BatchNormEvaluation of(
            BatchNorm module,
            boolean coupled,
            EvaluationContext context,
            Tensor input,
            Map<String, Tensor> parameters) {
        Elementwise ops = context.backend().elementwise();
        Shape shape = input.shape();
        Shape byChannel = shape.slice(0, 2).append(shape.elements(2, shape.rank()));
        Shape stretched = Shape.of(shape.size(1), 1);
        Tensor normalised = context.scope().allocate(byChannel, input.dtype());
        Tensor inverse = context.scope().allocate(stretched, input.dtype());
        Tensor scale = module.affine() ? context.scope().allocate(stretched, input.dtype()) : inverse;
        Tensor output = context.scope().allocate(shape, input.dtype());
        Optional<BatchMoments> tracked = module.usesBatch() && module.trackRunningStats()
                ? Optional.of(BatchMoments.allocate(context.scope(), shape.size(1), input.dtype()))
                : Optional.empty();
        try (TensorScope scope = context.backend().openScope()) {
            Tensor x = scope.view(input, byChannel);
            Tensor y = scope.view(output, byChannel);
            if (module.usesBatch()) {
                Shape oneColumn = byChannel.prepend(1);
                Shape channels = Shape.of(1, shape.size(1));
                Tensor mean = tracked.map(moments -> scope.view(moments.mean(), stretched))
                        .orElseGet(() -> scope.allocate(stretched, input.dtype()));
                average(context.backend(), scope.view(input, oneColumn), scope.view(mean, channels));
                ops.combine(BinaryOperation.SUBTRACT, x, mean, normalised);
                ops.apply(UnaryOperation.SQUARE, normalised, y);
                average(context.backend(), scope.view(output, oneColumn), scope.view(inverse, channels));
                tracked.ifPresent(moments -> ops.copy(inverse, scope.view(moments.variance(), stretched)));
            } else {
                ops.copy(scope.view(ModuleChecks.parameter(parameters, BatchNorm.VARIANCE), stretched), inverse);
            }
            ops.affine(inverse, 1, module.eps(), inverse);
            ops.apply(UnaryOperation.SQRT, inverse, inverse);
            ops.apply(UnaryOperation.RECIPROCAL, inverse, inverse);
            if (module.usesBatch()) {
                ops.combine(BinaryOperation.MULTIPLY, normalised, inverse, normalised);
            } else {
                Tensor mean = scope.view(ModuleChecks.parameter(parameters, BatchNorm.MEAN), stretched);
                ops.combine(BinaryOperation.SUBTRACT, x, mean, BinaryOperation.MULTIPLY, inverse, normalised);
            }
            if (module.affine()) {
                Tensor weight = scope.view(ModuleChecks.parameter(parameters, BatchNorm.WEIGHT), stretched);
                Tensor bias = scope.view(ModuleChecks.parameter(parameters, BatchNorm.BIAS), stretched);
                ops.combine(BinaryOperation.MULTIPLY, normalised, weight, BinaryOperation.ADD, bias, y);
                ops.combine(BinaryOperation.MULTIPLY, inverse, weight, scale);
            } else {
                ops.copy(normalised, y);
            }
        }
        return new BatchNormEvaluation(module, coupled, output, normalised, inverse, scale, tracked);
    }

    @Override
    public void updateBuffers(EvaluationContext context, Map<String, Tensor> buffers) {
        long count = normalised.shape().size(0) * normalised.shape().size(2);
        tracked.ifPresent(moments -> moments.follow(context.backend(), buffers, count, module.momentum()));
    }

    /**
     * The mean over samples and positions of every column.
     *
     * @param columns {@code [V, N, C, S]}
     * @param destination {@code [V, C]}
     */
    private static void average(Backend backend, Tensor columns, Tensor destination) {
        Shape shape = columns.shape();
        try (TensorScope scope = backend.openScope()) {
            Tensor perSample = scope.allocate(shape.slice(0, 3), columns.dtype());
            backend.reductions().reduce(Reduction.SUM, columns, 3, 4, perSample);
            backend.reductions().reduce(Reduction.SUM, perSample, 1, 2, destination);
            backend.elementwise().affine(destination, 1.0 / Math.max(1, shape.size(1) * shape.size(3)), 0, destination);
        }
    }

    /** The same as {@code [V, 1, C, 1]} in {@code scope}. */
    static Tensor averages(Backend backend, TensorScope scope, Tensor columns) {
        Shape shape = columns.shape();
        Tensor mean = scope.allocate(Shape.of(shape.size(0), shape.size(2)), columns.dtype());
        average(backend, columns, mean);
        return stretched(scope, mean);
    }

    /**
     * What x̂ is by x, times √(variance + eps): P d = d − ⟨d⟩ − x̂ ⟨d x̂⟩ where mean and variance are the batch's, ⟨·⟩
     * being the mean over samples and positions. P is symmetric. ẋ changes the mean by ⟨ẋ⟩ and 1 / √(variance + eps) =
     * r by −r² ⟨ẋ x̂⟩, so x̂ = (x − mean) r by r P ẋ.
     *
     * @param columns d, {@code [V, N, C, S]}
     * @param destination {@code [V, N, C, S]}, not {@code columns}
     */
    void project(Backend backend, Tensor columns, Tensor destination) {
        Elementwise ops = backend.elementwise();
        try (TensorScope scope = backend.openScope()) {
            ops.combine(BinaryOperation.MULTIPLY, columns, normalised, destination);
            Tensor slope = averages(backend, scope, destination);
            ops.combine(BinaryOperation.MULTIPLY, slope, normalised, destination);
            ops.combine(BinaryOperation.SUBTRACT, columns, destination, destination);
            ops.combine(BinaryOperation.SUBTRACT, destination, averages(backend, scope, columns), destination);
        }
    }

    /** {@code [V, N, C, *]} as {@code [V, N, C, S]}. */
    Tensor byChannel(TensorScope scope, Tensor columns) {
        return scope.view(columns, normalised.shape().prepend(columns.shape().size(0)));
    }

    /** {@code [V, C]} as {@code [V, 1, C, 1]}. */
    static Tensor stretched(TensorScope scope, Tensor parameters) {
        Shape shape = parameters.shape();
        return scope.view(parameters, Shape.of(shape.size(0), 1, shape.size(1), 1));
    }

    /** scale · ẋ + x̂ · ẇ + ḃ, with scale · P ẋ where mean and variance are the batch's; less what stands still. */
    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor target = byChannel(scope, result);
            boolean written = false;
            if (tangents.input(0).isPresent()) {
                Tensor x = byChannel(scope, tangents.input(0).get());
                if (coupled) {
                    project(backend, x, target);
                    ops.combine(BinaryOperation.MULTIPLY, target, scale, target);
                } else {
                    ops.combine(BinaryOperation.MULTIPLY, x, scale, target);
                }
                written = true;
            }
            if (tangents.parameter(BatchNorm.WEIGHT).isPresent()) {
                Tensor weight =
                        stretched(scope, tangents.parameter(BatchNorm.WEIGHT).get());
                Tensor product = written ? scope.allocate(target.shape(), target.dtype()) : target;
                ops.combine(BinaryOperation.MULTIPLY, weight, normalised, product);
                if (written) {
                    ops.addScaled(1, product, target);
                }
                written = true;
            }
            if (tangents.parameter(BatchNorm.BIAS).isPresent()) {
                if (!written) {
                    ops.fill(target, 0);
                }
                Tensor bias =
                        stretched(scope, tangents.parameter(BatchNorm.BIAS).get());
                ops.combine(BinaryOperation.ADD, target, bias, target);
            }
        }
        return result;
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return new BatchNormPullbackTangent(this, context, cotangents, tangents);
    }

    @Override
    public boolean isAffineInParameters() {
        return true;
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return coupled ? Optional.empty() : Optional.of(Curvature.zero());
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new BatchNormPullback(this, context, cotangents);
    }
}
