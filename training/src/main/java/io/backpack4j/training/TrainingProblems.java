// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that training reports. */
public final class TrainingProblems {

    /** A checkpoint belongs to another model, optimiser or run. */
    public static final ProblemId FOREIGN_CHECKPOINT = new ProblemId(
            "ForeignCheckpoint",
            "A checkpoint belongs to another model, optimiser or run.",
            "Train with the options that it was made with, or start in another folder.");

    /** There is nothing to go on with. */
    public static final ProblemId NO_CHECKPOINT = new ProblemId(
            "NoCheckpoint",
            "A run was to be resumed, but has no checkpoint.",
            "Leave --resume out, or name the folder of a run that wrote checkpoints.");

    /** Training computed numbers that are not finite. */
    public static final ProblemId DIVERGED = new ProblemId(
            "Diverged",
            "Training computed numbers that are not finite.",
            "Take a smaller learning rate, clip gradients, or look at the samples that the message names.");

    /** A metric that is to be watched is not computed. */
    public static final ProblemId UNKNOWN_METRIC = new ProblemId(
            "UnknownMetric", "A metric that is to be watched is not computed.", "Watch one that the message lists.");

    private TrainingProblems() {}
}
