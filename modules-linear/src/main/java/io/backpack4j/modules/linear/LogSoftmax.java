// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * y = x − log Σ exp(x), the sum running over an axis.
 *
 * @param dim the axis; 0 is the batch and refused, negative numbers count from the end, null is PyTorch's choice by the
 *     number of axes: 1 of two axes and of four or more, the batch included
 */
public record LogSoftmax(@Nullable Long dim) implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return SoftmaxAxis.declare(this, dim, inputs);
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return SoftmaxAxis.positions(this, dim, outputAxes, inputs);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        int axis = SoftmaxAxis.of(this, dim, input.shape().dropFirst(1)) + 1;
        return SoftmaxEvaluation.of(context, input, axis, true);
    }
}
