// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that operators report. */
public final class OperatorProblems {

    /** An operator was used after it was closed. */
    public static final ProblemId CLOSED_OPERATOR = new ProblemId(
            "ClosedOperator",
            "An operator was used after it was closed.",
            "Use it within its try block, or make another one.");

    /** A square operator is needed. */
    public static final ProblemId NOT_SQUARE =
            new ProblemId("NotSquare", "A square operator is needed.", "Use one that maps a space to itself.");

    private OperatorProblems() {}
}
