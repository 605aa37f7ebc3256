package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Tensor;

/** The evaluation of a module without parameters. */
record InputEvaluation(Tensor output, Rule rule, CurvatureRule curvatureRule) implements Evaluation {

    /** The transposed Jacobian product with respect to one input. */
    @FunctionalInterface
    interface Rule {

        /** Maps {@code [V, N, *out]} to {@code [V, N, *in]}. */
        Tensor pull(EvaluationContext context, Tensor cotangents, int input);
    }

    /** The second derivative by the inputs. */
    @FunctionalInterface
    interface CurvatureRule {

        /** Contracts it with cotangents {@code [1, N, *out]}. */
        Curvature contract(EvaluationContext context, Tensor cotangents);
    }

    /** Of a module that is affine in its inputs. */
    InputEvaluation(Tensor output, Rule rule) {
        this(output, rule, (context, cotangents) -> Curvature.zero());
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return input -> rule.pull(context, cotangents, input);
    }

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        return curvatureRule.contract(context, cotangents);
    }
}
