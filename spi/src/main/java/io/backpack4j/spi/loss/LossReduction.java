// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.Arguments;

/** How a loss joins its terms. */
public enum LossReduction {
    /** c is one over the number of terms. */
    MEAN,
    /** c is one. */
    SUM;

    /** What a user of PyTorch's {@code none} wants. */
    public static final String INSTEAD_OF_NONE =
            "Derivatives are those of one number; every result has the losses of single samples as 'loss_batch'";

    /** Reads the argument {@code reduction}, {@code mean} by default as in PyTorch. */
    public static LossReduction of(Arguments arguments) {
        if ("none".equals(arguments.value("reduction"))) {
            throw arguments.wrong("reduction", "one of mean, sum. " + INSTEAD_OF_NONE, "none");
        }
        return arguments.word("reduction", "mean", "mean", "sum").equals("sum") ? SUM : MEAN;
    }

    /** The word that {@link #of} reads. */
    public String word() {
        return this == SUM ? "sum" : "mean";
    }

    /** The factor c for a number of averaged terms. */
    public double normaliser(long terms) {
        return this == SUM || terms == 0 ? 1 : 1.0 / terms;
    }

    /** The factor of several batches taken as one, from theirs. */
    public double normaliserOfAll(double... ofBatches) {
        if (this == SUM) {
            return 1;
        }
        double terms = 0;
        for (double normaliser : ofBatches) {
            terms += 1 / normaliser;
        }
        return terms == 0 ? 1 : 1 / terms;
    }
}
