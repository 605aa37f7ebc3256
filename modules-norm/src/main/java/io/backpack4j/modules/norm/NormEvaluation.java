// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import static io.backpack4j.spi.backend.BinaryOperation.ADD;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Lines;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Optional;

/**
 * A norm evaluated at a batch: y = w x̂ + b. With r = 1 / √(variance + eps) and ⟨·⟩ for means over a group, x̂ = r (x −
 * ⟨x⟩) changes with x by r P ẋ, where P d = d − ⟨d⟩ − x̂ ⟨x̂ d⟩ is symmetric; without centring x̂ = r x, r = 1 / √(⟨x²⟩
 * + eps) and P d = d − x̂ ⟨x̂ d⟩.
 *
 * @param output y, {@code [N, *]}
 * @param affine the weight, and where parameters lie
 * @param centred whether the mean is taken off
 * @param normalised x̂, {@code [N, groups, length, 1]}
 * @param inverse r, {@code [N, groups, 1, 1]}
 */
record NormEvaluation(Tensor output, Affine affine, boolean centred, Tensor normalised, Tensor inverse)
        implements Evaluation {

    static final String WEIGHT = "weight";
    static final String BIAS = "bias";

    /** Groups are what the last axes of the parameter's shape hold. */
    static NormEvaluation ofLastAxes(
            EvaluationContext context,
            Tensor input,
            Shape parameter,
            boolean centred,
            double eps,
            Map<String, Tensor> parameters) {
        Shape shape = input.shape();
        long positions = shape.elements(1, shape.rank()) / parameter.elements();
        Shape groups = Shape.of(shape.size(0), positions, parameter.elements(), 1);
        Affine affine = new Affine(parameter, positions, true, Optional.ofNullable(parameters.get(WEIGHT)));
        return of(context, input, groups, affine, centred, eps, parameters);
    }

    /** Groups are those of neighbouring channels. */
    static NormEvaluation ofChannels(
            EvaluationContext context, Tensor input, long count, double eps, Map<String, Tensor> parameters) {
        Shape shape = input.shape();
        long elements = shape.elements(1, shape.rank());
        Shape groups = Shape.of(shape.size(0), count, elements / count, 1);
        Shape channels = Shape.of(shape.size(1));
        Affine affine =
                new Affine(channels, elements / shape.size(1), false, Optional.ofNullable(parameters.get(WEIGHT)));
        return of(context, input, groups, affine, true, eps, parameters);
    }

    private static NormEvaluation of(
            EvaluationContext context,
            Tensor input,
            Shape groups,
            Affine affine,
            boolean centred,
            double eps,
            Map<String, Tensor> parameters) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        Tensor normalised = context.scope().allocate(groups, input.dtype());
        Tensor inverse = context.scope().allocate(groups.with(2, 1), input.dtype());
        Tensor output = context.scope().allocate(input.shape(), input.dtype());
        try (TensorScope scope = backend.openScope()) {
            Lines lines = new Lines(backend, scope);
            Tensor x = scope.view(input, groups);
            Tensor deviations = x;
            if (centred) {
                ops.combine(SUBTRACT, x, lines.mean(x), normalised);
                deviations = normalised;
            }
            ops.affine(lines.meanProduct(deviations, deviations), 1, eps, inverse);
            ops.apply(UnaryOperation.SQRT, inverse, inverse);
            ops.apply(UnaryOperation.RECIPROCAL, inverse, inverse);
            ops.combine(MULTIPLY, deviations, inverse, normalised);
            Tensor asColumns = scope.view(normalised, input.shape().prepend(1));
            Tensor target = scope.view(output, input.shape().prepend(1));
            if (affine.weight().isPresent()) {
                affine.combine(MULTIPLY, backend, asColumns, affine.weight().get(), target);
            } else {
                ops.copy(asColumns, target);
            }
            Tensor bias = parameters.get(BIAS);
            if (bias != null) {
                affine.combine(ADD, backend, target, bias, target);
            }
        }
        return new NormEvaluation(output, affine, centred, normalised, inverse);
    }

    /** {@code [V, N, *]} as {@code [V, N, groups, length, 1]}. */
    Tensor byGroup(TensorScope scope, Tensor columns) {
        return scope.view(columns, normalised.shape().prepend(columns.shape().size(0)));
    }

    /** P d, of {@code [V, N, groups, length, 1]}, in a new tensor. */
    Tensor projected(Backend backend, TensorScope scope, Tensor columns) {
        Elementwise ops = backend.elementwise();
        Tensor result = scope.allocate(columns.shape(), columns.dtype());
        try (TensorScope step = backend.openScope()) {
            Lines lines = new Lines(backend, step);
            ops.combine(MULTIPLY, lines.meanProduct(columns, normalised), normalised, result);
            ops.combine(SUBTRACT, columns, result, result);
            if (centred) {
                ops.combine(SUBTRACT, result, lines.mean(columns), result);
            }
        }
        return result;
    }

    /** w ⊙ d, {@code [V, N, groups, length, 1]}, of {@code [V, N, *]}. */
    Tensor weighted(Backend backend, TensorScope scope, Tensor columns) {
        if (affine.weight().isEmpty()) {
            return byGroup(scope, columns);
        }
        Tensor product = scope.allocate(columns.shape(), columns.dtype());
        affine.combine(MULTIPLY, backend, columns, affine.weight().get(), product);
        return byGroup(scope, product);
    }

    /** {@code d ⊙ x̂}, {@code [V, N, *]}. */
    Tensor timesNormalised(Backend backend, TensorScope scope, Tensor columns) {
        Tensor product = scope.allocate(columns.shape(), columns.dtype());
        try (TensorScope step = backend.openScope()) {
            backend.elementwise().combine(MULTIPLY, byGroup(step, columns), normalised, byGroup(step, product));
        }
        return product;
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        Backend backend = context.backend();
        return new Pullback() {
            @Override
            public Tensor input(int index) {
                Tensor result = context.scope().allocate(cotangents.shape(), output.dtype());
                try (TensorScope scope = backend.openScope()) {
                    Tensor projected = projected(backend, scope, weighted(backend, scope, cotangents));
                    backend.elementwise().combine(MULTIPLY, projected, inverse, byGroup(scope, result));
                }
                return result;
            }

            @Override
            public ParameterDerivatives parameter(String name) {
                return switch (name) {
                    case WEIGHT ->
                        affine.derivatives(
                                backend, context.scope(), timesNormalised(backend, context.scope(), cotangents));
                    case BIAS -> affine.derivatives(backend, context.scope(), cotangents);
                    default -> Pullback.super.parameter(name);
                };
            }
        };
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            if (tangents.input(0).isPresent()) {
                Tensor moved = projected(
                        backend, scope, byGroup(scope, tangents.input(0).get()));
                ops.combine(MULTIPLY, moved, inverse, byGroup(scope, result));
                if (affine.weight().isPresent()) {
                    affine.combine(MULTIPLY, backend, result, affine.weight().get(), result);
                }
            } else {
                ops.fill(result, 0);
            }
            if (tangents.parameter(WEIGHT).isPresent()) {
                Tensor product = scope.allocate(result.shape(), result.dtype());
                Tensor asColumns = scope.view(normalised, output.shape().prepend(1));
                affine.combine(
                        MULTIPLY, backend, asColumns, tangents.parameter(WEIGHT).get(), product);
                ops.addScaled(1, product, result);
            }
            if (tangents.parameter(BIAS).isPresent()) {
                affine.combine(ADD, backend, result, tangents.parameter(BIAS).get(), result);
            }
        }
        return result;
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return new NormPullbackTangent(this, context, cotangents, tangents);
    }

    @Override
    public boolean isAffineInParameters() {
        return true;
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return Optional.of(NormCurvature.of(this, context, cotangents));
    }
}
