// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that the command line reports. */
public final class CliProblems {

    /** A check of ./backpack doctor failed. */
    public static final ProblemId BROKEN = new ProblemId(
            "Broken",
            "A check of ./backpack doctor failed.",
            "See the findings above the message; each says what to do.");

    /** Results differ from the references of the data file. */
    public static final ProblemId CHECK_FAILED = new ProblemId(
            "CheckFailed",
            "Results differ from the references that evaluate --check found in the data file.",
            "Export model and data again, both from one call, and check in float64. If they still differ, report it with both files.");

    /** A file that belongs to the program is not on the class path. */
    public static final ProblemId MISSING_RESOURCE = new ProblemId(
            "MissingResource", "A file that belongs to the program is not on the class path.", "Build again.");

    /** The results would be larger than --max-output allows. */
    public static final ProblemId OUTPUT_TOO_LARGE = new ProblemId(
            "OutputTooLarge",
            "The results would be larger than --max-output allows.",
            "Take fewer samples or parameters, or allow more with --max-output.");

    /** A process of --workers ended otherwise than it should. */
    public static final ProblemId WORKER_FAILED = new ProblemId(
            "WorkerFailed",
            "A process of --workers ended otherwise than it should.",
            "See what it said. If the system ended it, take fewer workers.");

    private CliProblems() {}
}
