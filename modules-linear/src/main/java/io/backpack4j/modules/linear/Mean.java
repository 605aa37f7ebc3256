// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Lines;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The mean over an axis, which is dropped.
 *
 * @param dim the axis; 0 is the batch and refused, negative numbers count from the end
 */
public record Mean(long dim) implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = ModuleChecks.single(this, inputs);
        int axis = Checks.sampleAxis(this, "dim", dim, sample);
        return ModuleDeclaration.output(Checks.without(sample, axis)).shareJacobian();
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
        long length = shape.size(axis);
        Shape lines = Shape.of(shape.elements(0, axis), length, shape.elements(axis + 1, shape.rank()));
        Shape reduced = Checks.without(shape, axis);
        Tensor output;
        try (TensorScope scope = context.backend().openScope()) {
            output = mean(context, scope.view(input, shape.prepend(1)), lines, reduced);
        }
        Tensor ofSamples = context.scope().view(output, reduced);
        return ParameterlessEvaluation.ofOneInput(
                ofSamples,
                (forward, columns) -> mean(forward, columns, lines, reduced),
                (back, columns) -> spread(back, columns, lines, shape));
    }

    /** Of {@code [V, N, *in]}. */
    private static Tensor mean(EvaluationContext context, Tensor columns, Shape lines, Shape reduced) {
        long count = columns.shape().size(0);
        try (TensorScope scope = context.backend().openScope()) {
            Tensor mean = new Lines(context.backend(), context.scope()).mean(scope.view(columns, lines.prepend(count)));
            return context.scope().view(mean, reduced.prepend(count));
        }
    }

    /** Every cotangent over the length, for all elements of its line. */
    private static Tensor spread(EvaluationContext context, Tensor columns, Shape lines, Shape shape) {
        Backend backend = context.backend();
        long count = columns.shape().size(0);
        Tensor result = context.scope().allocate(shape.prepend(count), columns.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor shares = scope.allocate(Shape.of(lines.size(1), 1), columns.dtype());
            backend.elementwise().fill(shares, 1.0 / Math.max(1, lines.size(1)));
            Tensor stretched = scope.view(columns, lines.with(1, 1).prepend(count));
            Tensor target = scope.view(result, lines.prepend(count));
            backend.elementwise().combine(BinaryOperation.MULTIPLY, stretched, shares, target);
        }
        return result;
    }
}
