// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/** A linear module evaluated at an input. */
record LinearEvaluation(Linear module, Tensor input, Tensor weight, Tensor output) implements Evaluation {

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new LinearPullback(this, context, cotangents);
    }

    /** ẋ · weightᵀ + x · ẇᵀ + ḃ, less what stands still. */
    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        long columns = tangents.columns();
        Backend backend = context.backend();
        Tensor result = context.scope().allocate(output.shape().prepend(columns), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            boolean written = false;
            if (tangents.input(0).isPresent()) {
                Tensor rows = Linear.rows(scope, tangents.input(0).get());
                backend.products().multiply(rows, false, weight, true, 1, 0, Linear.rows(scope, result));
                written = true;
            }
            Tensor target = matrices(scope, result, columns);
            if (tangents.parameter(Linear.WEIGHT).isPresent()) {
                Tensor inputs = matrices(scope, input, 1);
                Tensor weights = tangents.parameter(Linear.WEIGHT).get();
                backend.products().multiply(inputs, false, weights, true, 1, written ? 1 : 0, target);
                written = true;
            }
            if (tangents.parameter(Linear.BIAS).isPresent()) {
                if (!written) {
                    backend.elementwise().fill(target, 0);
                }
                Tensor bias = tangents.parameter(Linear.BIAS).get();
                Tensor stretched = scope.view(bias, Shape.of(columns, 1, module.outFeatures()));
                backend.elementwise().combine(BinaryOperation.ADD, target, stretched, target);
            }
        }
        return result;
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return new LinearPullbackTangent(this, context, cotangents, tangents);
    }

    /** A matrix for each of {@code columns} equal parts, {@code [V, N · S, features]}. */
    static Tensor matrices(TensorScope scope, Tensor tensor, long columns) {
        Shape shape = tensor.shape();
        long features = shape.size(-1);
        long rows = shape.elements(0, shape.rank() - 1) / columns;
        return scope.view(tensor, Shape.of(columns, rows, features));
    }

    @Override
    public boolean isAffineInParameters() {
        return true;
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return Optional.of(Curvature.zero());
    }
}
