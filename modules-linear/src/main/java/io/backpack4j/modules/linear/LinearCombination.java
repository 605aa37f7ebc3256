// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * ± x₀ ± x₁ …, of inputs that stretch.
 *
 * @param output one sample's output
 * @param inputs one sample's inputs
 * @param signs whether an input is subtracted
 */
record LinearCombination(Shape output, List<Shape> inputs, List<Boolean> signs) {

    LinearCombination {
        inputs = List.copyOf(inputs);
        signs = List.copyOf(signs);
    }

    Evaluation evaluate(EvaluationContext context, List<Tensor> terms) {
        Shape batch = output.prepend(terms.get(0).shape().size(0));
        return new ParameterlessEvaluation(added(context, terms, signs, batch), this::pushed, this::pulled);
    }

    private Tensor pulled(EvaluationContext context, Tensor cotangents, int index) {
        Tensor result = Broadcast.reduced(context, context.scope(), cotangents, inputs.get(index));
        if (!signs.get(index)) {
            return result;
        }
        Tensor negated = context.scope().allocate(result.shape(), result.dtype());
        context.backend().elementwise().affine(result, -1, 0, negated);
        return negated;
    }

    /** The tangents of all inputs that move. */
    private Tensor pushed(EvaluationContext context, Tangents tangents) {
        List<Tensor> moving = new ArrayList<>();
        List<Boolean> signsOfMoving = new ArrayList<>();
        for (int i = 0; i < signs.size(); i++) {
            Optional<Tensor> tangent = tangents.input(i);
            if (tangent.isPresent()) {
                moving.add(tangent.get());
                signsOfMoving.add(signs.get(i));
            }
        }
        long samples = moving.get(0).shape().size(1);
        return added(context, moving, signsOfMoving, output.prepend(tangents.columns(), samples));
    }

    private static Tensor added(EvaluationContext context, List<Tensor> terms, List<Boolean> signs, Shape shape) {
        Elementwise ops = context.backend().elementwise();
        Tensor first = terms.get(0);
        if (terms.size() == 1 && !signs.get(0) && first.shape().equals(shape)) {
            return context.scope().view(first, shape);
        }
        Tensor sum = context.scope().allocate(shape, first.dtype());
        int done = 0;
        if (terms.size() > 1 && !signs.get(0) && first.shape().equals(shape)) {
            ops.combine(operation(signs.get(1)), first, terms.get(1), sum);
            done = 2;
        } else {
            ops.fill(sum, 0);
        }
        for (int i = done; i < terms.size(); i++) {
            ops.combine(operation(signs.get(i)), sum, terms.get(i), sum);
        }
        return sum;
    }

    private static BinaryOperation operation(boolean subtracted) {
        return subtracted ? BinaryOperation.SUBTRACT : BinaryOperation.ADD;
    }
}
