package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The exact root of the loss's Hessian, with as few columns as the loss knows. Its columns have no meaning of their own, only their sum of products
 * has: extensions ask for {@link LossHessianRoot}, and the plan takes this one where it does the same.
 */
public record ReducedHessianRoot() implements LossSignal {

    @Override
    public String name() {
        return "root of the loss Hessian, reduced";
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

    private static HessianRoot root(LossEvaluation loss) {
        return loss.hessianRoot()
                .map(HessianRoot::reduced)
                .orElseThrow(
                        () -> new BackpackException(
                                CommonProblems.UNSUPPORTED_LOSS,
                                "The loss has no root of its Hessian. Use a loss that offers one, or an extension that needs gradients only."));
    }
}
