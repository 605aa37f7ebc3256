// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that linear modules and losses report. */
public final class LinearProblems {

    /** A target is not one that the loss knows, such as a class beyond the last. */
    public static final ProblemId INVALID_TARGET = new ProblemId(
            "InvalidTarget",
            "A target is not one that the loss knows, such as a class beyond the last.",
            "Correct the target of the named sample.");

    private LinearProblems() {}
}
