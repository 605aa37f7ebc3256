// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * Inputs whose axes of size one stretch, as in PyTorch. All have equally many axes: where PyTorch adds missing ones in
 * front, the batch would meet another axis.
 */
final class Broadcast {

    private Broadcast() {}

    /**
     * The shape to which all inputs stretch.
     *
     * @throws io.backpack4j.spi.BackpackException {@code ShapeMismatch} if they do not
     */
    static Shape output(Module module, List<Shape> inputs) {
        Shape first = inputs.get(0);
        Shape output = first;
        for (int i = 1; i < inputs.size(); i++) {
            Shape other = inputs.get(i);
            boolean fits = other.rank() == output.rank();
            for (int axis = 0; fits && axis < output.rank(); axis++) {
                long size = output.size(axis);
                fits = size == other.size(axis) || size == 1 || other.size(axis) == 1;
                if (size == 1) {
                    output = output.with(axis, other.size(axis));
                }
            }
            if (!fits) {
                throw ModuleChecks.mismatch(
                        module,
                        "needs inputs of equal shapes, up to axes of size 1, but a sample has shape %s in input 0 and %s in input %d."
                                .formatted(first, other, i));
            }
        }
        return output;
    }

    /** Whether no input stretches along any of some axes of the output. */
    static boolean keeps(List<Integer> axes, List<Shape> inputs) {
        return axes.stream()
                .allMatch(axis -> inputs.stream()
                        .allMatch(input -> input.size(axis) == inputs.get(0).size(axis)));
    }

    /**
     * destination = operation(x, factor₀) and so on; operands may have fewer leading axes than the destination, to
     * whose shape all together stretch.
     */
    static void combineAll(
            Elementwise ops, BinaryOperation operation, Tensor x, List<Tensor> others, Tensor destination) {
        Tensor current = x;
        boolean first = true;
        for (Tensor other : others) {
            if (first && !stretched(x.shape(), other.shape()).equals(destination.shape())) {
                ops.fill(destination, 0);
                ops.combine(BinaryOperation.ADD, destination, x, destination);
                current = destination;
            }
            first = false;
            ops.combine(operation, current, other, destination);
            current = destination;
        }
    }

    /** The shape to which two shapes, aligned at their last axes, stretch; any that cannot is whatever comes out. */
    private static Shape stretched(Shape a, Shape b) {
        Shape longer = a.rank() >= b.rank() ? a : b;
        Shape shorter = a.rank() >= b.rank() ? b : a;
        int missing = longer.rank() - shorter.rank();
        Shape result = longer;
        for (int axis = 0; axis < shorter.rank(); axis++) {
            if (longer.size(axis + missing) == 1) {
                result = result.with(axis + missing, shorter.size(axis));
            }
        }
        return result;
    }

    /**
     * The transpose of stretching: sums over the axes along which an input stretches.
     *
     * @param stretched {@code [V, N, *out]}
     * @param input {@code [*in]} of one sample
     * @return {@code [V, N, *in]} in the scope; {@code stretched} itself, in another handle, if the input does not
     *     stretch
     */
    static Tensor reduced(EvaluationContext context, TensorScope scope, Tensor stretched, Shape input) {
        Shape full = stretched.shape();
        Shape target = input.prepend(full.size(0), full.size(1));
        if (full.equals(target)) {
            return scope.view(stretched, target);
        }
        Tensor result = scope.allocate(target, stretched.dtype());
        try (TensorScope step = context.backend().openScope()) {
            Tensor current = stretched;
            Shape shape = full;
            for (int end = full.rank(); end > 2; end--) {
                int start = end;
                while (start > 2 && target.size(start - 1) == 1 && full.size(start - 1) != 1) {
                    start--;
                }
                if (start == end) {
                    continue;
                }
                Shape less = shape.slice(0, start);
                Shape kept = less;
                for (int axis = start; axis < end; axis++) {
                    kept = kept.append(1);
                }
                for (int axis = end; axis < shape.rank(); axis++) {
                    less = less.append(shape.size(axis));
                    kept = kept.append(shape.size(axis));
                }
                Tensor sum = kept.equals(target) ? step.view(result, less) : step.allocate(less, stretched.dtype());
                context.backend().reductions().reduce(Reduction.SUM, current, start, end, sum);
                current = step.view(sum, kept);
                shape = kept;
                end = start + 1;
            }
        }
        return result;
    }
}
