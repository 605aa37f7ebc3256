// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/** The exact root of the loss's Hessian, in the loss's own columns. */
public record LossHessianRoot() implements LossSignal {

    @Override
    public String name() {
        return "root of the loss Hessian";
    }

    @Override
    public double degree() {
        return 0.5;
    }

    @Override
    public long columns(LossEvaluation loss) {
        return of(loss).count();
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        return of(loss).columns(from, to);
    }

    /**
     * The root that a loss has.
     *
     * @throws BackpackException if it has none
     */
    public static HessianRoot of(LossEvaluation loss) {
        return loss.hessianRoot()
                .orElseThrow(
                        () -> new BackpackException(
                                CommonProblems.UNSUPPORTED_LOSS,
                                "The loss has no root of its Hessian. Use a loss that offers one, or an extension that needs gradients only."));
    }
}
