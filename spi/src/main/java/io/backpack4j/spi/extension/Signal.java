package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/** Columns that travel from the loss back through the network. Equal signals are propagated once. Implement as a record. */
public interface Signal {

    /** The signal's name in reports and messages. */
    String name();

    /** Its degree in the loss's factor c: 1 for gradients, 1/2 for roots of Hessians. */
    double degree();

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
