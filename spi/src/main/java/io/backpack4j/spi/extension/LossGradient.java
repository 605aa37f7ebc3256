// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/** The gradient of the loss: one column. */
public record LossGradient() implements LossSignal {

    @Override
    public String name() {
        return "loss gradient";
    }

    @Override
    public double degree() {
        return 1;
    }

    @Override
    public long columns(LossEvaluation loss) {
        return 1;
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        return loss.gradient();
    }
}
