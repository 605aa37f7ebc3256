// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * y = a · b, sample by sample, over the last two axes of both. The axes before them are PyTorch's batch of {@code
 * matmul}: aligned at their ends, those of size one stretch. The samples are aligned, not the batches: {@code [N, H, m,
 * k]} times {@code [N, k, n]} is {@code [N, H, m, n]}.
 */
public record MatMul() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        if (inputs.size() != 2) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes two inputs, but was given %d.".formatted(type(), inputs.size()));
        }
        return ModuleDeclaration.output(output(inputs.get(0), inputs.get(1))).retainInputs();
    }

    private Shape output(Shape a, Shape b) {
        if (a.rank() < 2 || b.rank() < 2 || a.size(-1) != b.size(-2)) {
            throw mismatch(a, b);
        }
        int rank = Math.max(a.rank(), b.rank());
        Shape left = stretched(a, rank);
        Shape right = stretched(b, rank);
        Shape output = left.with(-1, right.size(-1));
        for (int axis = 0; axis < rank - 2; axis++) {
            long one = left.size(axis);
            long other = right.size(axis);
            if (one != other && one != 1 && other != 1) {
                throw mismatch(a, b);
            }
            output = output.with(axis, one == 1 ? other : one);
        }
        return output;
    }

    private BackpackException mismatch(Shape a, Shape b) {
        return ModuleChecks.mismatch(
                this,
                "multiplies samples [*, m, k] and [*, k, n] with equal axes * or such of size 1, but they have shapes %s and %s."
                        .formatted(a, b));
    }

    /** A shape with axes of size one in front. */
    static Shape stretched(Shape shape, int rank) {
        long[] ones = new long[rank - shape.rank()];
        Arrays.fill(ones, 1);
        return shape.prepend(ones);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape a = inputs.get(0).shape().dropFirst(1);
        Shape b = inputs.get(1).shape().dropFirst(1);
        return MatMulEvaluation.of(context, inputs.get(0), inputs.get(1), output(a, b));
    }
}
