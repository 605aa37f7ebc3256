// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The largest element along an axis, which is dropped: the values of PyTorch's {@code max(dim)}. Of equal ones the
 * first counts, which alone has a derivative; NaN is larger than any number.
 *
 * @param dim the axis; 0 is the batch and refused, negative numbers count from the end
 */
public record Max(long dim) implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = ModuleChecks.single(this, inputs);
        int axis = Checks.sampleAxis(this, "dim", dim, sample);
        if (sample.size(axis) == 0) {
            throw ModuleChecks.mismatch(
                    this, "needs elements along dim = %d, but samples have shape %s.".formatted(dim, sample));
        }
        return ModuleDeclaration.output(Checks.without(sample, axis));
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        int axis = Checks.sampleAxis(this, "dim", dim, inputs.get(0));
        return Optional.of(outputAxes.stream().map(i -> i < axis ? i : i + 1).toList());
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        Shape shape = input.shape();
        int axis = Checks.sampleAxis(this, "dim", dim, shape.dropFirst(1)) + 1;
        Shape lines = Shape.of(
                shape.size(0), shape.elements(1, axis), shape.size(axis), shape.elements(axis + 1, shape.rank()));
        Shape reduced = Checks.without(shape, axis);
        Tensor output = context.scope().allocate(reduced, input.dtype());
        Tensor places = context.scope().allocate(lines.with(2, 1), DType.INT64);
        try (TensorScope scope = context.backend().openScope()) {
            context.backend()
                    .pooling()
                    .adaptiveMaximum(scope.view(input, lines), scope.view(output, places.shape()), places);
        }
        return ParameterlessEvaluation.ofOneInput(
                output,
                (forward, columns) -> moved(
                        forward,
                        columns,
                        lines,
                        places.shape(),
                        reduced,
                        (pooling, from, to) -> pooling.gather(from, places, to)),
                (back, columns) -> moved(
                        back,
                        columns,
                        places.shape(),
                        lines,
                        shape,
                        (pooling, from, to) -> pooling.scatter(places, from, to)));
    }

    /** Takes what is at the maxima, or puts it there. */
    @FunctionalInterface
    private interface Move {
        void run(Pooling pooling, Tensor from, Tensor to);
    }

    /** V columns of the batch {@code from} as V columns of another, whose batch has the shape {@code result}. */
    private static Tensor moved(
            EvaluationContext context, Tensor columns, Shape from, Shape to, Shape result, Move move) {
        long count = columns.shape().size(0);
        Tensor moved = context.scope().allocate(result.prepend(count), columns.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            move.run(
                    context.backend().pooling(),
                    scope.view(columns, from.with(0, count * from.size(0))),
                    scope.view(moved, to.with(0, count * to.size(0))));
        }
        return moved;
    }
}
