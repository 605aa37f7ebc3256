// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** A loss that treats every one of the D elements of a sample's output on its own. */
abstract class ElementEvaluation implements LossEvaluation {

    final EvaluationContext context;
    final Backend backend;
    final Elementwise ops;
    final Tensor output;
    final double normaliser;
    final long samples;
    final long elements;
    private final Tensor targets;

    ElementEvaluation(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        this.context = context;
        this.backend = context.backend();
        this.ops = backend.elementwise();
        this.output = output;
        this.targets = targets;
        this.normaliser = normaliser;
        this.samples = output.shape().size(0);
        this.elements = output.shape().elements(1, output.shape().rank());
    }

    /** Writes the loss of every element, with the shape of the output. */
    abstract void writeTerms(TensorScope scope, Tensor typedTargets, Tensor destination);

    /** Writes the derivative of every element's loss, with the shape of the output. */
    abstract void writeDerivatives(TensorScope scope, Tensor typedTargets, Tensor destination);

    @Override
    public final Tensor values() {
        Tensor values = context.scope().allocate(Shape.of(samples), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor terms = scope.allocate(output.shape(), output.dtype());
            writeTerms(scope, typedTargets(scope), terms);
            Tensor rows = scope.view(terms, Shape.of(samples, elements));
            backend.reductions().reduce(Reduction.SUM, rows, 1, 2, values);
        }
        return values;
    }

    @Override
    public final Tensor gradient() {
        Tensor gradient = context.scope().allocate(output.shape().prepend(1), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            writeDerivatives(scope, typedTargets(scope), scope.view(gradient, output.shape()));
        }
        ops.affine(gradient, normaliser, 0, gradient);
        return gradient;
    }

    /** One number, which stretches. */
    final Tensor number(TensorScope scope, double value) {
        Tensor number = scope.allocate(Shape.of(), output.dtype());
        ops.fill(number, value);
        return number;
    }

    /** The targets in the output's type. */
    final Tensor typedTargets(TensorScope scope) {
        DType dtype = output.dtype();
        if (targets.dtype() == dtype) {
            return targets;
        }
        Tensor typed = scope.allocate(targets.shape(), dtype);
        ops.copy(targets, typed);
        return typed;
    }
}
