// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * g being the cotangents of the output: what is pulled back is g · weight to the input, Σ_s g_s ⊗ x_s to the weight and
 * Σ_s g_s to the bias, so that the changes are g · ẇ, Σ_s g_s ⊗ ẋ_s and none.
 *
 * @param cotangents {@code [1, N, *, out]}
 */
record LinearPullbackTangent(
        LinearEvaluation evaluation, EvaluationContext context, Tensor cotangents, Tangents tangents)
        implements PullbackTangent {

    @Override
    public Optional<Tensor> input(int index) {
        return tangents.parameter(Linear.WEIGHT).map(weight -> {
            Shape shape = evaluation.input().shape().prepend(tangents.columns());
            Tensor result = context.scope().allocate(shape, cotangents.dtype());
            Backend backend = context.backend();
            try (TensorScope scope = backend.openScope()) {
                Tensor gradients = LinearEvaluation.matrices(scope, cotangents, 1);
                Tensor target = LinearEvaluation.matrices(scope, result, tangents.columns());
                backend.products().multiply(gradients, false, weight, false, 1, 0, target);
            }
            return result;
        });
    }

    @Override
    public void addToParameter(String name, Tensor destination) {
        Optional<Tensor> input = tangents.input(0);
        if (name.equals(Linear.WEIGHT) && input.isPresent()) {
            Backend backend = context.backend();
            try (TensorScope scope = backend.openScope()) {
                Tensor gradients = LinearEvaluation.matrices(scope, cotangents, 1);
                Tensor inputs = LinearEvaluation.matrices(scope, input.get(), tangents.columns());
                backend.products().multiply(gradients, true, inputs, false, 1, 1, destination);
            }
        }
    }
}
