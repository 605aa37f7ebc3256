// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.BackpackException;
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

/**
 * Gives samples another shape with as many elements, in row-major order. The output shares the input's memory.
 *
 * @param shape the sizes of a sample's axes, without the batch; one may be −1 and follows from the others
 */
public record Reshape(List<Long> shape) implements Module {

    public Reshape {
        shape = List.copyOf(shape);
        boolean possible = shape.stream().allMatch(size -> size >= -1)
                && shape.stream().filter(size -> size == -1).count() <= 1;
        if (!possible) {
            throw ModuleChecks.invalid(
                    type(), "shape", shape, "sizes of a sample's axes, without the batch, at most one of them −1");
        }
    }

    /** To the given sizes. */
    public Reshape(long... shape) {
        this(Arrays.stream(shape).boxed().toList());
    }

    @Override
    public boolean isView() {
        return true;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(reshaped(ModuleChecks.single(this, inputs)))
                .shareJacobian();
    }

    private Shape reshaped(Shape sample) {
        long known = shape.stream().filter(size -> size != -1).reduce(1L, this::product);
        boolean fits = shape.contains(-1L) ? known > 0 && sample.elements() % known == 0 : known == sample.elements();
        if (!fits) {
            throw mismatch(sample);
        }
        return Shape.of(shape.stream()
                .mapToLong(size -> size == -1 ? sample.elements() / known : size)
                .toArray());
    }

    private long product(long a, long b) {
        try {
            return Math.multiplyExact(a, b);
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE;
        }
    }

    private BackpackException mismatch(Shape sample) {
        return ModuleChecks.mismatch(
                this,
                "has shape = %s, but samples have shape %s with %d elements. The batch is no part of the shape."
                        .formatted(shape, sample, sample.elements()));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape before = inputs.get(0).shape();
        Shape after = reshaped(before.dropFirst(1)).prepend(before.size(0));
        return ParameterlessEvaluation.ofOneInput(
                context.scope().view(inputs.get(0), after),
                (forward, tangents) -> Flatten.reshaped(forward, tangents, after),
                (pullback, cotangents) -> Flatten.reshaped(pullback, cotangents, before));
    }
}
