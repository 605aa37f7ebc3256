// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The root of the loss's Hessian that a plan lets travel where an extension asked for {@link LossHessianRoot}, and
 * another does the same.
 *
 * @param choice which
 */
record PlannedRoot(Choice choice) implements LossSignal {

    private static final LossHessianRoot ASKED_FOR = new LossHessianRoot();

    /** The roots of one Hessian that a loss may have. */
    enum Choice {
        /** Fewest columns that the loss knows. They have no meaning of their own, only their sum of products has. */
        REDUCED("reduced"),
        /**
         * The columns of all positions on top of each other. They have a meaning only above the first node that mixes
         * positions, and with contractions
         * {@linkplain io.backpack4j.spi.module.Contraction#overPositions over positions}.
         */
        SUPERPOSED("positions superposed");

        private final String words;

        Choice(String words) {
            this.words = words;
        }
    }

    @Override
    public String name() {
        return ASKED_FOR.name() + ", " + choice.words;
    }

    @Override
    public double degree() {
        return ASKED_FOR.degree();
    }

    @Override
    public long columns(LossEvaluation loss) {
        HessianRoot root = LossHessianRoot.of(loss);
        return switch (choice) {
            case REDUCED -> root.reduced().count();
            case SUPERPOSED -> superposed(root).count();
        };
    }

    @Override
    public Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to) {
        HessianRoot root = LossHessianRoot.of(loss);
        return switch (choice) {
            case REDUCED -> root.reduced().columns(from, to);
            case SUPERPOSED -> superposed(root).columns(from, to);
        };
    }

    private static SuperposedRoot superposed(HessianRoot root) {
        return root.superposed()
                .orElseThrow(
                        () -> new BackpackException(
                                CommonProblems.UNSUPPORTED_LOSS,
                                "The loss has positions, but its Hessian has no root with superposed columns. Offer one, or no position axes."));
    }
}
