// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that Java's loops and LAPACK report. */
final class LoopProblems {

    /** A maximum or minimum was asked of no elements. */
    static final ProblemId EMPTY_REDUCTION = new ProblemId(
            "EmptyReduction", "A maximum or minimum was asked of no elements.", "Reduce over axes that have elements.");

    /** The eigenvalues of a matrix were not found. */
    static final ProblemId NO_CONVERGENCE = new ProblemId(
            "NoConvergence",
            "The eigenvalues of a matrix were not found.",
            "Look for numbers that are not finite, or use float64.");

    private LoopProblems() {}
}
