package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The exact root of the loss's Hessian, the columns of all positions on top of each other. It has a meaning only above the first node that mixes
 * positions, and with contractions {@linkplain Contraction#overPositions over positions}: extensions ask for {@link LossHessianRoot}, and the plan takes this one
 * where it does the same.
 */
public record SuperposedHessianRoot() implements LossSignal {

    @Override
    public String name() {
        return "root of the loss Hessian, positions superposed";
    }

    @Override
    public double degree() {
        return 0.5;
    }

    @Override
    public long columns(LossEvaluation loss) {
        return root(loss).count();
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        return root(loss).columns(from, to);
    }

    private static SuperposedRoot root(LossEvaluation loss) {
        return loss.hessianRoot()
                .flatMap(HessianRoot::superposed)
                .orElseThrow(
                        () -> new BackpackException(
                                CommonProblems.UNSUPPORTED_LOSS,
                                "The loss has positions, but its Hessian has no root with superposed columns. Offer one, or no position axes."));
    }
}
