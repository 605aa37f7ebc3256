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

    private VivitProblems() {}
}
