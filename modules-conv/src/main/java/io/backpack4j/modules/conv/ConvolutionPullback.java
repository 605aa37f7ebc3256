// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.factored.BiasDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Cotangents of the input by the transpose; weight and bias as {@link ConvolutionWeight} and {@link BiasDerivatives}.
 */
final class ConvolutionPullback implements Pullback {

    private final ConvolutionEvaluation evaluation;
    private final EvaluationContext context;
    private final Tensor cotangents;

    ConvolutionPullback(ConvolutionEvaluation evaluation, EvaluationContext context, Tensor cotangents) {
        this.evaluation = evaluation;
        this.context = context;
        this.cotangents = cotangents;
    }

    @Override
    public Tensor input(int index) {
        Backend backend = context.backend();
        Shape shape = evaluation.input().shape().prepend(cotangents.shape().size(0));
        Tensor result = context.scope().allocate(shape, cotangents.dtype());
        try (TensorScope scope = backend.openScope()) {
            ConvolutionEvaluation.apply(
                    backend.convolutions(),
                    evaluation.window(),
                    !evaluation.transposed(),
                    Spatial.joined(scope, cotangents),
                    evaluation.weight(),
                    null,
                    Spatial.joined(scope, result));
        }
        return result;
    }

    @Override
    public ParameterDerivatives parameter(String name) {
        if (name.equals(Convolving.WEIGHT)) {
            return new ConvolutionWeight(context.backend(), evaluation, cotangents);
        } else if (name.equals(Convolving.BIAS) && evaluation.hasBias()) {
            Shape shape = cotangents.shape();
            Shape byChannel = shape.slice(0, 3).append(shape.elements(3, shape.rank()));
            return BiasDerivatives.channelsFirst(
                    context.backend(), context.scope().view(cotangents, byChannel));
        }
        return Pullback.super.parameter(name);
    }
}
