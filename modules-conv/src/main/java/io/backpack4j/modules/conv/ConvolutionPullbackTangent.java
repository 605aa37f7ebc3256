// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * What is pulled back is bilinear in the weight and the input: the input's change is that of the pullback with ẇ
 * instead of the weight, the weight's change its gradient at ẋ instead of x. The bias has none.
 *
 * @param cotangents {@code [1, N, O, *out]}
 */
record ConvolutionPullbackTangent(
        ConvolutionEvaluation evaluation, EvaluationContext context, Tensor cotangents, Tangents tangents)
        implements PullbackTangent {

    @Override
    public Optional<Tensor> input(int index) {
        return tangents.parameter(Convolving.WEIGHT).map(weights -> {
            Shape shape = evaluation.input().shape();
            Tensor result = context.scope().allocate(shape.prepend(tangents.columns()), cotangents.dtype());
            Backend backend = context.backend();
            for (long v = 0; v < tangents.columns(); v++) {
                try (TensorScope scope = backend.openScope()) {
                    ConvolutionEvaluation.apply(
                            backend.convolutions(),
                            evaluation.window(),
                            !evaluation.transposed(),
                            Spatial.joined(scope, cotangents),
                            scope.view(
                                    scope.rows(weights, v, v + 1),
                                    evaluation.weight().shape()),
                            null,
                            scope.view(scope.rows(result, v, v + 1), shape));
                }
            }
            return result;
        });
    }

    @Override
    public void addToParameter(String name, Tensor destination) {
        Optional<Tensor> input = tangents.input(0);
        if (name.equals(Convolving.WEIGHT) && input.isPresent()) {
            try (TensorScope scope = context.backend().openScope()) {
                Tensor gradients = Spatial.joined(scope, cotangents);
                Tensor inputs = Spatial.joined(scope, input.get());
                context.backend().convolutions().sum(evaluation.weightGradients(gradients, inputs), destination);
            }
        }
    }
}
