// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.LineCurvature;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * y = a σ(b): ẏ = σ(b) ȧ + a σ'(b) ḃ. The second derivative couples an element of a with that of b at the same place, g
 * [[0, s], [s, q]] with s = σ'(b) and q = a σ''(b) = −a tanh(b/2) s.
 *
 * @param output y, {@code [N, *out]}
 * @param input the input's shape, {@code [N, *in]}
 * @param axis the axis that is halved
 * @param gate σ(b), {@code [N, *out]}
 * @param slope s, {@code [N, *out]}
 * @param left a σ'(b), {@code [N, *out]}
 * @param bend −a tanh(b/2), {@code [N, *out]}
 */
record GLUEvaluation(Tensor output, Shape input, int axis, Tensor gate, Tensor slope, Tensor left, Tensor bend)
        implements Evaluation {

    private static final Activation SIGMOID = Activation.of(Activation.Kind.SIGMOID);

    static GLUEvaluation of(EvaluationContext context, Shape input, int axis, Tensor a, Tensor b) {
        Elementwise ops = context.backend().elementwise();
        TensorScope scope = context.scope();
        Tensor gate = scope.allocate(a.shape(), a.dtype());
        Tensor slope = scope.allocate(a.shape(), a.dtype());
        Tensor left = scope.allocate(a.shape(), a.dtype());
        Tensor output = scope.allocate(a.shape(), a.dtype());
        ops.activation(SIGMOID, 0, b, gate);
        ops.activation(SIGMOID, 1, b, slope);
        ops.combine(MULTIPLY, a, gate, output);
        ops.combine(MULTIPLY, a, slope, left);
        ops.affine(b, 0.5, 0, b);
        ops.apply(UnaryOperation.TANH, b, b);
        ops.combine(MULTIPLY, b, a, b);
        ops.affine(b, -1, 0, b);
        return new GLUEvaluation(output, input, axis, gate, slope, left, b);
    }

    /** Where a half lies in {@code [V, N, *in]}. */
    private Region half(long columns, int index) {
        long size = input.size(axis) / 2;
        return Region.all(input.prepend(columns)).with(axis + 1, index * size, size);
    }

    private Tensor half(Backend backend, TensorScope scope, Tensor columns, int index) {
        Region region = half(columns.shape().size(0), index);
        Tensor half = scope.allocate(region.shape(), columns.dtype());
        backend.indexing().extract(columns, region, half);
        return half;
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return index -> {
            Backend backend = context.backend();
            long columns = cotangents.shape().size(0);
            Tensor result = context.scope().allocate(input.prepend(columns), output.dtype());
            try (TensorScope scope = backend.openScope()) {
                Tensor half = scope.allocate(cotangents.shape(), output.dtype());
                backend.elementwise().combine(MULTIPLY, cotangents, gate, half);
                backend.indexing().insert(half, half(columns, 0), result);
                backend.elementwise().combine(MULTIPLY, cotangents, left, half);
                backend.indexing().insert(half, half(columns, 1), result);
            }
            return result;
        };
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Tensor tangent = tangents.input(0).orElseThrow();
        Backend backend = context.backend();
        Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor ofB = half(backend, scope, tangent, 1);
            backend.elementwise().combine(MULTIPLY, ofB, left, ofB);
            backend.elementwise().combine(MULTIPLY, half(backend, scope, tangent, 0), gate, result);
            backend.elementwise().addScaled(1, ofB, result);
        }
        return result;
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Tensor tangent = tangents.input(0).orElseThrow();
        return index -> {
            Backend backend = context.backend();
            Elementwise ops = backend.elementwise();
            Tensor result = context.scope().allocate(tangent.shape(), output.dtype());
            try (TensorScope scope = backend.openScope()) {
                // g s ḃ, and g s (ȧ + bend ḃ)
                Tensor factor = scope.allocate(cotangents.shape(), output.dtype());
                ops.combine(MULTIPLY, cotangents, slope, factor);
                Tensor ofA = half(backend, scope, tangent, 0);
                Tensor ofB = half(backend, scope, tangent, 1);
                Tensor bent = scope.allocate(ofB.shape(), output.dtype());
                ops.combine(MULTIPLY, ofB, bend, bent);
                ops.addScaled(1, bent, ofA);
                ops.combine(MULTIPLY, ofA, factor, ofA);
                ops.combine(MULTIPLY, ofB, factor, ofB);
                backend.indexing().insert(ofB, half(tangents.columns(), 0), result);
                backend.indexing().insert(ofA, half(tangents.columns(), 1), result);
            }
            return Optional.of(result);
        };
    }

    /**
     * With e for unit vectors and β± = bend/2 ± 1: g s/2 (e_a + β₊ e_b)(…)ᵀ − g s/2 (e_a + β₋ e_b)(…)ᵀ for every
     * element.
     */
    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        Shape shape = output.shape();
        long outer = shape.elements(1, axis);
        long inner = shape.elements(axis, shape.rank());
        Shape lines = Shape.of(shape.size(0), outer, 2, inner);
        return Optional.of(new LineCurvature(
                input,
                lines,
                Optional.empty(),
                List.of(vectors(context, cotangents, lines, 1), vectors(context, cotangents, lines, -1))));
    }

    private LineCurvature.Vectors vectors(EvaluationContext context, Tensor cotangents, Shape lines, double sign) {
        Backend backend = context.backend();
        Shape perLine = lines.with(2, 1);
        Tensor values = context.scope().allocate(lines, output.dtype());
        Tensor weights = context.scope().allocate(perLine, output.dtype());
        try (TensorScope scope = backend.openScope()) {
            backend.elementwise().fill(values, 1);
            Tensor ofB = scope.allocate(perLine, output.dtype());
            backend.elementwise().affine(scope.view(bend, perLine), 0.5, sign, ofB);
            backend.indexing().insert(ofB, Region.all(lines).with(2, 1, 1), values);
            Tensor gradient = scope.view(cotangents, perLine);
            backend.elementwise().combine(MULTIPLY, gradient, scope.view(slope, perLine), weights);
            backend.elementwise().affine(weights, sign / 2, 0, weights);
        }
        return new LineCurvature.Vectors(values, weights);
    }
}
