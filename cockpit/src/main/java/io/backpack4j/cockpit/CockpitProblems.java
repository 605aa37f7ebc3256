// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems of this room. */
public final class CockpitProblems {

    /** Methods of a cockpit were called in another order than that of a training step. */
    public static final ProblemId COCKPIT_OUT_OF_ORDER = new ProblemId(
            "CockpitOutOfOrder",
            "Methods of a cockpit were called in another order than that of a training step.",
            "Call request before the pass, track behind it, and stepped after the update, with the same step.");

    /** A saved state of a cockpit is of another model or other quantities. */
    public static final ProblemId FOREIGN_STATE = new ProblemId(
            "ForeignState",
            "A saved state of a cockpit is of another model or other quantities.",
            "Go on with the model and the quantities of the run that it was saved by, or begin a new one.");

    /** A quantity was asked for by name that the network cannot give. */
    public static final ProblemId UNAVAILABLE_QUANTITY = new ProblemId(
            "UnavailableQuantity",
            "A quantity was asked for by name that the network cannot give.",
            "Leave it out, or change what the message names; configurations leave such quantities out by themselves.");

    private CockpitProblems() {}
}
