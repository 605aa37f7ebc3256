package io.backpack4j.modules.conv;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Maxima whose places are kept: on the way back all columns go there. */
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
        return new InputEvaluation(
                output, (pullback, cotangents) -> scatter(pullback, indices, cotangents, inputShape));
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
