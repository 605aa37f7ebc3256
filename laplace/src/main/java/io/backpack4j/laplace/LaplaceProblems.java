// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.ProblemId;

/** The kinds of problems of this room. */
public final class LaplaceProblems {

    /** There is no such posterior, or no such prediction of it. */
    public static final ProblemId INVALID_LAPLACE = new ProblemId(
            "InvalidLaplace",
            "A model, an option or a number does not fit a Laplace approximation.",
            "Take what the message names.");

    /** A posterior meets a model, a file or another posterior that it is not of. */
    public static final ProblemId POSTERIOR_MISMATCH = new ProblemId(
            "PosteriorMismatch",
            "A posterior belongs to other numbers, parameters or options than those that it meets.",
            "Fit it again, or take the model that it was fitted to.");

    private LaplaceProblems() {}
}
