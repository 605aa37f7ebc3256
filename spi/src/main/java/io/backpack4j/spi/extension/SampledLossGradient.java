// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/**
 * Gradients at drawn targets: the Monte-Carlo root of the loss's Hessian. Equal numbers of draws mean equal draws.
 *
 * @param samples the number of draws per sample
 */
public record SampledLossGradient(int samples) implements LossSignal {

    public SampledLossGradient {
        if (samples < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of Monte-Carlo samples is " + samples + ", but must be at least 1.");
        }
    }

    @Override
    public String name() {
        return "loss gradient at " + samples + " drawn targets";
    }

    @Override
    public double degree() {
        return 0.5;
    }

    @Override
    public boolean isSampled() {
        return true;
    }

    @Override
    public long columns(LossEvaluation loss) {
        if (loss.gradientSampler().isEmpty()) {
            throw unsupported();
        }
        return samples;
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        return loss.gradientSampler()
                .orElseThrow(SampledLossGradient::unsupported)
                .columns(context.randomKey(), (int) from, (int) to, samples);
    }

    private static BackpackException unsupported() {
        return new BackpackException(
                CommonProblems.UNSUPPORTED_LOSS,
                "The loss cannot draw targets. Use a loss that is a negative log-likelihood, or an exact extension.");
    }
}
