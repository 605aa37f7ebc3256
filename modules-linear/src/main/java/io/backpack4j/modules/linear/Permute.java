// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Reorders axes: axis j of the output is axis {@code dims[j]} of the input.
 *
 * @param dims every axis once, the batch included, which stays in front; negative numbers count from the end
 */
public record Permute(List<Long> dims) implements Module {

    public Permute {
        long rank = dims.size();
        List<Long> given = dims;
        dims = given.stream().map(dim -> dim < 0 ? dim + rank : dim).toList();
        List<Long> sorted = dims.stream().sorted().toList();
        boolean permutes = IntStream.range(0, sorted.size()).allMatch(axis -> sorted.get(axis) == axis);
        if (!permutes || dims.isEmpty()) {
            throw ModuleChecks.invalid(type(), "dims", given, "every axis from 0 on, once each");
        }
        if (dims.get(0) != 0) {
            throw ModuleChecks.invalid(
                    type(), "dims", given, "a list that starts with 0, because the batch stays axis 0");
        }
    }

    /** A permutation given by its axes. */
    public Permute(long... dims) {
        this(Arrays.stream(dims).boxed().toList());
    }

    @Override
    public boolean isView() {
        return true;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape input = ModuleChecks.single(this, inputs);
        if (input.rank() + 1 != dims.size()) {
            throw ModuleChecks.mismatch(
                    this,
                    "has %d dims, but the batch and samples of shape %s have %d axes together."
                            .formatted(dims.size(), input, input.rank() + 1));
        }
        return ModuleDeclaration.output(permuted(input.prepend(1), axes()).dropFirst(1))
                .shareJacobian();
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        int[] axes = axes();
        return Optional.of(outputAxes.stream().map(axis -> axes[axis + 1] - 1).toList());
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        int[] axes = axes();
        // V columns have an axis in front, which stays there
        int[] there = new int[axes.length + 1];
        int[] back = new int[axes.length + 1];
        for (int axis = 0; axis < axes.length; axis++) {
            there[axis + 1] = axes[axis] + 1;
            back[axes[axis] + 1] = axis + 1;
        }
        return ParameterlessEvaluation.ofOneInput(
                permuted(context, inputs.get(0), axes),
                (forward, tangents) -> permuted(forward, tangents, there),
                (pullback, cotangents) -> permuted(pullback, cotangents, back));
    }

    private int[] axes() {
        return dims.stream().mapToInt(Long::intValue).toArray();
    }

    private static Tensor permuted(EvaluationContext context, Tensor x, int[] axes) {
        Tensor result = context.scope().allocate(permuted(x.shape(), axes), x.dtype());
        context.backend().indexing().permute(x, axes, result);
        return result;
    }

    private static Shape permuted(Shape shape, int[] axes) {
        return Shape.of(Arrays.stream(axes).mapToLong(shape::size).toArray());
    }
}
