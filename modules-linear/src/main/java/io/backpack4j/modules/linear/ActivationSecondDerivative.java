// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * The second derivative of an activation: g ⊙ f''(x) is the diagonal of the curvature, and times ẋ the change of what
 * is pulled back.
 *
 * @param saved what the evaluation keeps, {@code [N, *]}
 */
record ActivationSecondDerivative(Activation activation, Tensor saved)
        implements ParameterlessEvaluation.SecondDerivative {

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        Tensor diagonal = context.scope().allocate(saved.shape(), saved.dtype());
        writeDiagonal(context.backend(), cotangents, diagonal);
        return new Curvature.Diagonal(diagonal);
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Tensor tangent = tangents.input(0).orElseThrow();
        Backend backend = context.backend();
        return index -> {
            Tensor result = context.scope().allocate(tangent.shape(), tangent.dtype());
            try (TensorScope scope = backend.openScope()) {
                Tensor diagonal = scope.allocate(saved.shape(), saved.dtype());
                writeDiagonal(backend, cotangents, diagonal);
                backend.elementwise().combine(BinaryOperation.MULTIPLY, tangent, diagonal, result);
            }
            return Optional.of(result);
        };
    }

    private void writeDiagonal(Backend backend, Tensor cotangents, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor ofSamples = scope.view(cotangents, saved.shape());
            backend.elementwise().activationCurvature(activation, saved, ofSamples, destination);
        }
    }
}
