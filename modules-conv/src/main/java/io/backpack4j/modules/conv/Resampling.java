// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Linear maps along the spatial axes, each by a matrix of its own. */
final class Resampling {

    private Resampling() {}

    /** What a Java array holds. */
    private static final long MAX_ELEMENTS = Integer.MAX_VALUE - 8;

    /**
     * A row of a matrix: weights of neighbouring inputs.
     *
     * @param from the first input
     * @param values its weight, and those of its neighbours
     */
    record Weights(long from, List<Double> values) {

        Weights {
            values = List.copyOf(values);
        }

        /** Equal weights of the inputs {@code from} (inclusive) to {@code to} (exclusive). */
        static Weights equal(long from, long to, double weight) {
            return new Weights(from, Collections.nCopies((int) (to - from), weight));
        }
    }

    /** Says what an output position is made of. */
    @FunctionalInterface
    interface Rows {

        /** The row of one output position of an axis with given numbers of inputs and outputs. */
        Weights row(int axis, long output, long in, long out);
    }

    /**
     * Applies the matrices of all axes.
     *
     * @param input {@code [N, C, *in]}
     * @param sampleOutput {@code [C, *out]}
     */
    static Evaluation evaluate(EvaluationContext context, Tensor input, Shape sampleOutput, Rows rows) {
        Shape inputShape = input.shape();
        List<@Nullable Tensor> matrices = new ArrayList<>();
        for (int axis = 0; axis < sampleOutput.rank() - 1; axis++) {
            matrices.add(matrix(context, input, sampleOutput, axis, rows));
        }
        Tensor output = context.scope().allocate(sampleOutput.prepend(inputShape.size(0)), input.dtype());
        context.backend().pooling().resample(matrices, false, input, output);
        Shape outputShape = output.shape();
        return ParameterlessEvaluation.ofOneInput(
                output,
                (forward, tangents) -> resampled(forward, matrices, false, tangents, outputShape),
                (pullback, cotangents) -> resampled(pullback, matrices, true, cotangents, inputShape));
    }

    /** V columns, whose batch becomes one of another shape. */
    private static Tensor resampled(
            EvaluationContext context,
            List<@Nullable Tensor> matrices,
            boolean transposed,
            Tensor columns,
            Shape batch) {
        Tensor result = context.scope().allocate(batch.prepend(columns.shape().size(0)), columns.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            context.backend()
                    .pooling()
                    .resample(matrices, transposed, Spatial.joined(scope, columns), Spatial.joined(scope, result));
        }
        return result;
    }

    /** {@code [out, in]}, or null if it would change nothing. */
    private static @Nullable Tensor matrix(
            EvaluationContext context, Tensor input, Shape sampleOutput, int axis, Rows rows) {
        long elements = Shape.of(input.shape().size(axis + 2), sampleOutput.size(axis + 1))
                .elements();
        if (elements > MAX_ELEMENTS) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "Resampling %d positions of axis %d to %d needs a matrix of %d elements, but at most %d are possible."
                            .formatted(
                                    input.shape().size(axis + 2),
                                    axis + 2,
                                    sampleOutput.size(axis + 1),
                                    elements,
                                    MAX_ELEMENTS));
        }
        int in = (int) input.shape().size(axis + 2);
        int out = (int) sampleOutput.size(axis + 1);
        boolean identity = in == out;
        for (int position = 0; position < out && identity; position++) {
            Weights row = rows.row(axis, position, in, out);
            identity = row.from() == position && row.values().equals(List.of(1.0));
        }
        if (identity) {
            return null;
        }
        Tensor matrix = context.scope().allocate(Shape.of(out, in), input.dtype());
        double[] values = new double[in];
        for (int position = 0; position < out; position++) {
            Weights row = rows.row(axis, position, in, out);
            Arrays.fill(values, 0);
            for (int i = 0; i < row.values().size(); i++) {
                values[(int) row.from() + i] = row.values().get(i);
            }
            matrix.write((long) position * in, values, 0, in);
        }
        return matrix;
    }
}
