// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems of this room. */
public final class DjlProblems {

    /** The gradients that DJL has computed are not those of the model that stands beside it. */
    public static final ProblemId GRADIENTS_DIFFER = new ProblemId(
            "GradientsDiffer",
            "The gradients that DJL has computed are not those of the model that stands beside it.",
            "Give the model the loss and the architecture of DJL's, and let DJL update after every batch.");

    /** DJL's network makes another output of a batch than the model that stands beside it. */
    public static final ProblemId OUTPUTS_DIFFER = new ProblemId(
            "OutputsDiffer",
            "DJL's network makes another output of a batch than the model that stands beside it.",
            "Give the model the architecture and the modes of DJL's, without random modules, and name parameters that it takes in another order.");

    /** DJL trains on several devices, or on a copy of the parameters on another device. */
    public static final ProblemId SEVERAL_DEVICES = new ProblemId(
            "SeveralDevices",
            "DJL trains on several devices, or on a copy of the parameters on another device.",
            "Train on one device: DefaultTrainingConfig.optDevices(new Device[] {device}), with a model made for it.");

    /** A batch of DJL's cannot be handed to the model. */
    public static final ProblemId UNREADABLE_BATCH = new ProblemId(
            "UnreadableBatch",
            "A batch of DJL's cannot be handed to the model.",
            "Let the data set make arrays as the message says.");

    /** The parameters of DJL's network are not those of the model that stands beside it. */
    public static final ProblemId UNMATCHED_PARAMETERS = new ProblemId(
            "UnmatchedParameters",
            "The parameters of DJL's network are not those of the model that stands beside it.",
            "Give the model DJL's layers in DJL's order, or say which parameters belong together.");

    private DjlProblems() {}
}
