package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Tensor;

/** A linear module evaluated at an input. */
record LinearEvaluation(Linear module, Tensor input, Tensor weight, Tensor output) implements Evaluation {

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new LinearPullback(this, context, cotangents);
    }

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        return Curvature.zero();
    }
}
