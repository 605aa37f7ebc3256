// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * g being the cotangents of the output, r = 1 / √(variance + eps), s = weight · r, ⟨·⟩ the mean over the M samples and
 * positions. With fixed mean and variance the input pulls back s g and the weight Σ g x̂, so that the changes are r ẇ g
 * and r Σ g ẋ.
 *
 * <p>With those of the batch the input pulls back s P g, P d = d − ⟨d⟩ − x̂ ⟨d x̂⟩. As ẋ changes x̂ by r P ẋ and r by
 * −r² a, a = ⟨x̂ ẋ⟩, that changes by (r ẇ − s r a) P g − s r (⟨g x̂⟩ P ẋ + x̂ ⟨g P ẋ⟩), and the weight's gradient by r
 * M ⟨g P ẋ⟩. The bias's does not change.
 */
final class BatchNormPullbackTangent implements PullbackTangent {

    private final BatchNormEvaluation evaluation;
    private final EvaluationContext context;
    private final Backend backend;
    private final Elementwise ops;
    private final Shape shape;
    private final Tensor gradient;
    private final Optional<Tensor> weight;
    private final @Nullable InputTangent input;

    /**
     * How the input moves.
     *
     * @param tangent ẋ, {@code [V, N, C, S]}
     * @param normalised P ẋ or ẋ, {@code [V, N, C, S]}
     * @param slope ⟨g P ẋ⟩ or ⟨g ẋ⟩, {@code [V, 1, C, 1]}
     */
    private record InputTangent(Tensor tangent, Tensor normalised, Tensor slope) {}

    BatchNormPullbackTangent(
            BatchNormEvaluation evaluation, EvaluationContext context, Tensor cotangents, Tangents tangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.backend = context.backend();
        this.ops = backend.elementwise();
        this.shape = cotangents.shape().with(0, tangents.columns());
        this.gradient = evaluation.byChannel(context.scope(), cotangents);
        this.weight = tangents.parameter(BatchNorm.WEIGHT)
                .map(tangent -> BatchNormEvaluation.stretched(context.scope(), tangent));
        this.input = tangents.input(0).map(this::inputTangent).orElse(null);
    }

    private InputTangent inputTangent(Tensor given) {
        Tensor tangent = evaluation.byChannel(context.scope(), given);
        Tensor normalised = tangent;
        if (evaluation.coupled()) {
            normalised = context.scope().allocate(tangent.shape(), tangent.dtype());
            evaluation.project(backend, tangent, normalised);
        }
        return new InputTangent(tangent, normalised, averageProduct(context.scope(), normalised, gradient));
    }

    @Override
    public Optional<Tensor> input(int index) {
        boolean curved = evaluation.coupled() && input != null;
        if (!curved && weight.isEmpty()) {
            return Optional.empty();
        }
        Tensor result = context.scope().allocate(shape, gradient.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor target = evaluation.byChannel(scope, result);
            Tensor pulledBack = gradient;
            if (evaluation.coupled()) {
                pulledBack = scope.allocate(gradient.shape(), gradient.dtype());
                evaluation.project(backend, gradient, pulledBack);
            }
            ops.combine(BinaryOperation.MULTIPLY, pulledBack, scaleTangent(scope), target);
            if (curved && input != null) {
                subtractCurvature(scope, input, target);
            }
        }
        return Optional.of(result);
    }

    /** r ẇ − s r a, {@code [V, 1, C, 1]}: how s changes. */
    private Tensor scaleTangent(TensorScope scope) {
        Shape perColumn = Shape.of(shape.size(0), 1, shape.size(2), 1);
        Tensor change = scope.allocate(perColumn, gradient.dtype());
        if (evaluation.coupled() && input != null) {
            Tensor slope = averageProduct(scope, input.tangent(), evaluation.normalised());
            ops.combine(BinaryOperation.MULTIPLY, slope, evaluation.scale(), change);
            ops.affine(change, -1, 0, change);
        } else {
            ops.fill(change, 0);
        }
        if (weight.isPresent()) {
            ops.addScaled(1, weight.get(), change);
        }
        ops.combine(BinaryOperation.MULTIPLY, change, evaluation.inverseDeviation(), change);
        return change;
    }

    /** Takes s r (⟨g x̂⟩ P ẋ + x̂ ⟨g P ẋ⟩) off. */
    private void subtractCurvature(TensorScope scope, InputTangent moving, Tensor destination) {
        Tensor term = scope.allocate(destination.shape(), destination.dtype());
        Tensor ofGradient = averageProduct(scope, gradient, evaluation.normalised());
        ops.combine(BinaryOperation.MULTIPLY, moving.normalised(), scaled(scope, ofGradient), term);
        ops.addScaled(-1, term, destination);
        ops.combine(BinaryOperation.MULTIPLY, scaled(scope, moving.slope()), evaluation.normalised(), term);
        ops.addScaled(-1, term, destination);
    }

    /** Times s r, {@code [*, 1, C, 1]}. */
    private Tensor scaled(TensorScope scope, Tensor perChannel) {
        Tensor result = scope.allocate(perChannel.shape(), perChannel.dtype());
        ops.combine(BinaryOperation.MULTIPLY, perChannel, evaluation.scale(), result);
        ops.combine(BinaryOperation.MULTIPLY, result, evaluation.inverseDeviation(), result);
        return result;
    }

    /** ⟨d e⟩, {@code [V, 1, C, 1]}, of {@code [V, N, C, S]} and what stretches to it. */
    private Tensor averageProduct(TensorScope scope, Tensor columns, Tensor others) {
        try (TensorScope step = backend.openScope()) {
            Tensor products = step.allocate(columns.shape(), columns.dtype());
            ops.combine(BinaryOperation.MULTIPLY, columns, others, products);
            return BatchNormEvaluation.averages(backend, scope, products);
        }
    }

    @Override
    public void addToParameter(String name, Tensor destination) {
        if (name.equals(BatchNorm.WEIGHT) && input != null) {
            try (TensorScope scope = backend.openScope()) {
                Tensor change = scope.allocate(input.slope().shape(), destination.dtype());
                ops.combine(BinaryOperation.MULTIPLY, input.slope(), evaluation.inverseDeviation(), change);
                long count = gradient.shape().size(1) * gradient.shape().size(3);
                ops.addScaled(count, scope.view(change, destination.shape()), destination);
            }
        }
    }
}
