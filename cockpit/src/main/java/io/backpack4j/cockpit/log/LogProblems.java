// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.log;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems of logs. */
public final class LogProblems {

    /** A file is not the log of a run, or cannot be read or written. */
    public static final ProblemId INVALID_LOG = new ProblemId(
            "InvalidLog",
            "A file is not the log of a run, or cannot be read or written.",
            "Name the run.jsonl of a run, or a JSON log of the original Cockpit; see that there is space.");

    private LogProblems() {}
}
