// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/** A signal that is born at the loss. Implement as a record. */
public non-sealed interface LossSignal extends Signal {

    /**
     * What it takes beside the loss: a tensor that the owning extension folded in an earlier stage, under the operand's
     * name, whose last axis are the batch's samples. Nothing by default.
     */
    default Optional<Operand> operand() {
        return Optional.empty();
    }

    /**
     * The signal with its operand, which makes columns; the signal itself where it takes none.
     *
     * @param operand the operand, of the samples at which the loss is evaluated. Read it
     */
    default LossSignal with(Tensor operand) {
        return this;
    }

    /**
     * Whether its columns are drawn, so that what is made of them is an estimate. A pass may be asked to compute that
     * with less precise products.
     */
    default boolean isSampled() {
        return false;
    }

    /**
     * How many columns it has.
     *
     * @throws BackpackException if the loss cannot make it, saying what can
     */
    long columns(LossEvaluation loss);

    /**
     * Its columns at the network's output.
     *
     * @param context where they are allocated; {@code randomKey()} is that of the loss
     * @param from the first column
     * @param to the column behind the last
     * @return {@code [to − from, N, *out]}
     */
    Tensor seed(EvaluationContext context, LossEvaluation loss, long from, long to);
}
