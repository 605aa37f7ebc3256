// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.ProblemId;

/** The kinds of problems of this room. */
public final class VivitProblems {

    /** More eigenpairs are wanted than there are. */
    public static final ProblemId RANK_TOO_LOW = new ProblemId(
            "RankTooLow",
            "Eigenpairs are wanted whose eigenvalues count as zero: the directions of such have no meaning.",
            "Ask for fewer, or let those be dropped with `drop=true`.");

    /** Groups of parameters do not fit the network. */
    public static final ProblemId INVALID_GROUPS = new ProblemId(
            "InvalidGroups",
            "A group of parameters is empty, or a parameter is in two groups.",
            "Name every parameter in one group at most.");

    private VivitProblems() {}
}
