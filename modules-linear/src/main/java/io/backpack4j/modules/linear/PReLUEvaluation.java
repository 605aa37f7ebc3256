// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static io.backpack4j.spi.backend.BinaryOperation.ADD;
import static io.backpack4j.spi.backend.BinaryOperation.MINIMUM;
import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.module.factored.BiasDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * y = p x + w n x with p = 1 where x &gt; 0, n = 1 elsewhere. Its slope s = p + w n; it is affine in x piece by piece
 * and in w, and the second derivative mixes both: what comes back to x changes by ẇ n g, what comes to w by Σ n g ẋ.
 *
 * @param output y, {@code [N, *]}
 * @param channels the shape as {@code [N, C, S]}, C being the number of weights
 * @param slope s, {@code [N, C, S]}
 * @param negative n x, {@code [N, C, S]}
 * @param elsewhere n, {@code [N, C, S]}
 */
record PReLUEvaluation(Tensor output, Shape channels, Tensor slope, Tensor negative, Tensor elsewhere)
        implements Evaluation {

    static PReLUEvaluation of(EvaluationContext context, Tensor input, Tensor weight) {
        Elementwise ops = context.backend().elementwise();
        TensorScope scope = context.scope();
        Shape shape = input.shape();
        long count = weight.shape().size(0);
        Shape channels = Shape.of(shape.size(0), count, shape.elements(1, shape.rank()) / count);
        Tensor output = scope.allocate(shape, input.dtype());
        Tensor slope = scope.allocate(channels, input.dtype());
        Tensor negative = scope.allocate(channels, input.dtype());
        Tensor elsewhere = scope.allocate(channels, input.dtype());
        try (TensorScope step = context.backend().openScope()) {
            Tensor x = step.view(input, channels);
            Tensor y = step.view(output, channels);
            Tensor weights = step.view(weight, Shape.of(count, 1));
            Tensor zero = step.allocate(Shape.of(), input.dtype());
            ops.fill(zero, 0);
            ops.combine(MINIMUM, x, zero, negative);
            ops.apply(UnaryOperation.POSITIVE, x, y);
            ops.affine(y, -1, 1, elsewhere);
            ops.combine(MULTIPLY, elsewhere, weights, slope);
            ops.combine(ADD, slope, y, slope);
            ops.combine(MULTIPLY, x, slope, y);
        }
        return new PReLUEvaluation(output, channels, slope, negative, elsewhere);
    }

    private Tensor byChannel(TensorScope scope, Tensor columns) {
        return scope.view(columns, channels.prepend(columns.shape().size(0)));
    }

    /** {@code [V, C]} as {@code [V, 1, C, 1]}. */
    private static Tensor stretched(TensorScope scope, Tensor weights) {
        Shape shape = weights.shape();
        return scope.view(weights, Shape.of(shape.size(0), 1, shape.size(1), 1));
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        Backend backend = context.backend();
        return new Pullback() {
            @Override
            public Tensor input(int index) {
                Tensor result = context.scope().allocate(cotangents.shape(), output.dtype());
                try (TensorScope scope = backend.openScope()) {
                    Tensor target = byChannel(scope, result);
                    backend.elementwise().combine(MULTIPLY, byChannel(scope, cotangents), slope, target);
                }
                return result;
            }

            @Override
            public ParameterDerivatives parameter(String name) {
                if (!name.equals(PReLU.WEIGHT)) {
                    return Pullback.super.parameter(name);
                }
                Tensor columns = byChannel(context.scope(), cotangents);
                Tensor products = context.scope().allocate(columns.shape(), output.dtype());
                backend.elementwise().combine(MULTIPLY, columns, negative, products);
                return BiasDerivatives.channelsFirst(backend, products);
            }
        };
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Elementwise ops = context.backend().elementwise();
        Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            Tensor target = byChannel(scope, result);
            if (tangents.input(0).isPresent()) {
                ops.combine(MULTIPLY, byChannel(scope, tangents.input(0).get()), slope, target);
            } else {
                ops.fill(target, 0);
            }
            if (tangents.parameter(PReLU.WEIGHT).isPresent()) {
                Tensor ofWeight = scope.allocate(target.shape(), output.dtype());
                ops.combine(
                        MULTIPLY,
                        stretched(scope, tangents.parameter(PReLU.WEIGHT).get()),
                        negative,
                        ofWeight);
                ops.addScaled(1, ofWeight, target);
            }
        }
        return result;
    }

    @Override
    public boolean isAffineInParameters() {
        return true;
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return Optional.of(Curvature.zero());
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Backend backend = context.backend();
        Elementwise ops = backend.elementwise();
        return new PullbackTangent() {
            @Override
            public Optional<Tensor> input(int index) {
                if (tangents.parameter(PReLU.WEIGHT).isEmpty()) {
                    return Optional.empty();
                }
                Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
                try (TensorScope scope = backend.openScope()) {
                    Tensor target = byChannel(scope, result);
                    Tensor weight =
                            stretched(scope, tangents.parameter(PReLU.WEIGHT).get());
                    ops.combine(MULTIPLY, weight, elsewhere, target);
                    ops.combine(MULTIPLY, target, scope.view(cotangents, channels), target);
                }
                return Optional.of(result);
            }

            @Override
            public void addToParameter(String name, Tensor destination) {
                if (tangents.input(0).isEmpty()) {
                    return;
                }
                try (TensorScope scope = backend.openScope()) {
                    Tensor tangent = byChannel(scope, tangents.input(0).get());
                    Tensor products = scope.allocate(tangent.shape(), output.dtype());
                    ops.combine(MULTIPLY, tangent, elsewhere, products);
                    ops.combine(MULTIPLY, products, scope.view(cotangents, channels), products);
                    Tensor ofSamples = scope.allocate(products.shape().slice(0, 3), output.dtype());
                    backend.reductions().reduce(Reduction.SUM, products, 3, 4, ofSamples);
                    Tensor sum = scope.allocate(destination.shape(), output.dtype());
                    backend.reductions().reduce(Reduction.SUM, ofSamples, 1, 2, sum);
                    ops.addScaled(1, sum, destination);
                }
            }
        };
    }
}
