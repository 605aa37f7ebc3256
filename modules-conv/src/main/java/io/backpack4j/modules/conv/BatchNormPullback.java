// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.factored.BiasDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * d being the cotangents: weight Σ_s d x̂, bias Σ_s d, input scale · d; if mean and variance are the batch's, input
 * scale · (d − ⟨d⟩ − x̂ ⟨d x̂⟩), where ⟨·⟩ is the mean over samples and positions.
 */
final class BatchNormPullback implements Pullback {

    private final BatchNormEvaluation evaluation;
    private final EvaluationContext context;
    private final Backend backend;
    private final Shape shape;
    private final Tensor cotangents;

    BatchNormPullback(BatchNormEvaluation evaluation, EvaluationContext context, Tensor cotangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.backend = context.backend();
        this.shape = cotangents.shape();
        this.cotangents = evaluation.byChannel(context.scope(), cotangents);
    }

    @Override
    public Tensor input(int index) {
        Elementwise ops = backend.elementwise();
        Tensor result = context.scope().allocate(shape, cotangents.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor target = scope.view(result, cotangents.shape());
            if (evaluation.coupled()) {
                evaluation.project(backend, cotangents, target);
                ops.combine(BinaryOperation.MULTIPLY, target, evaluation.scale(), target);
            } else {
                ops.combine(BinaryOperation.MULTIPLY, cotangents, evaluation.scale(), target);
            }
        }
        return result;
    }

    @Override
    public ParameterDerivatives parameter(String name) {
        if (evaluation.module().affine() && name.equals(BatchNorm.WEIGHT)) {
            Tensor products = context.scope().allocate(cotangents.shape(), cotangents.dtype());
            backend.elementwise().combine(BinaryOperation.MULTIPLY, cotangents, evaluation.normalised(), products);
            return BiasDerivatives.channelsFirst(backend, products);
        } else if (evaluation.module().affine() && name.equals(BatchNorm.BIAS)) {
            return BiasDerivatives.channelsFirst(backend, cotangents);
        }
        return Pullback.super.parameter(name);
    }
}
