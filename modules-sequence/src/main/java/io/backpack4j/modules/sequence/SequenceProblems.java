// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that layers over sequences report. */
public final class SequenceProblems {

    /**
     * An integer of the data names nothing that is there, such as a row beyond a table's last, or a length beyond a
     * sequence's end.
     */
    public static final ProblemId INDEX_OUT_OF_RANGE = new ProblemId(
            "IndexOutOfRange",
            "An integer of the data names nothing that is there, such as a row beyond a table's last, or a length beyond a sequence's end.",
            "Correct the named sample, or enlarge what the integer counts.");

    private SequenceProblems() {}
}
