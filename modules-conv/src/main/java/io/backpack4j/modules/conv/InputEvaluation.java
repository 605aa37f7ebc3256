package io.backpack4j.modules.conv;

import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Tensor;

/** The evaluation of a module with one input and without parameters. */
record InputEvaluation(Tensor output, Rule rule) implements Evaluation {

    /** The transposed Jacobian product with respect to the input. */
    @FunctionalInterface
    interface Rule {

        /** Maps {@code [V, N, *out]} to {@code [V, N, *in]}. */
        Tensor pull(EvaluationContext context, Tensor cotangents);
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return input -> rule.pull(context, cotangents);
    }

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        return Curvature.zero();
    }
}
