// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Maxima whose places are kept: tangents come from there, and on the way back all columns go there. */
final class MaximumEvaluation {

    private MaximumEvaluation() {}

    /** Finds maxima and their places. */
    @FunctionalInterface
    interface Search {

        /** Writes both, {@code [N, C, *out]}. */
        void run(Tensor output, Tensor indices);
    }

    static Evaluation of(EvaluationContext context, Tensor input, Shape sampleOutput, Search search) {
        Shape shape = sampleOutput.prepend(input.shape().size(0));
        Tensor output = context.scope().allocate(shape, input.dtype());
        Tensor indices = context.scope().allocate(shape, DType.INT64);
        search.run(output, indices);
        Shape inputShape = input.shape();
        return ParameterlessEvaluation.ofOneInput(
                output,
                (forward, tangents) -> gather(forward, indices, tangents),
                (pullback, cotangents) -> scatter(pullback, indices, cotangents, inputShape));
    }

    /**
     * Takes tangents {@code [V, N, C, *in]} from where the maxima are.
     *
     * @param indices {@code [N, C, *out]}
     */
    static Tensor gather(EvaluationContext context, Tensor indices, Tensor tangents) {
        Tensor result = context.scope()
                .allocate(indices.shape().prepend(tangents.shape().size(0)), tangents.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            context.backend().pooling().gather(Spatial.joined(scope, tangents), indices, Spatial.joined(scope, result));
        }
        return result;
    }

    /**
     * Puts cotangents {@code [V, N, C, *out]} where the maxima are.
     *
     * @param input {@code [N, C, *in]}
     */
    static Tensor scatter(EvaluationContext context, Tensor indices, Tensor cotangents, Shape input) {
        Tensor result =
                context.scope().allocate(input.prepend(cotangents.shape().size(0)), cotangents.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            context.backend()
                    .pooling()
                    .scatter(indices, Spatial.joined(scope, cotangents), Spatial.joined(scope, result));
        }
        return result;
    }
}
