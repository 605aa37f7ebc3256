package io.backpack4j.cli.console;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that the command line reports. */
public final class CliProblems {

    /** A check of ./backpack doctor failed. */
    public static final ProblemId BROKEN = new ProblemId(
            "Broken",
            "A check of ./backpack doctor failed.",
            "See the findings above the message; each says what to do.");

    /** A file that belongs to the program is not on the class path. */
    public static final ProblemId MISSING_RESOURCE = new ProblemId(
            "MissingResource", "A file that belongs to the program is not on the class path.", "Build again.");

    /** The results would be larger than --max-output allows. */
    public static final ProblemId OUTPUT_TOO_LARGE = new ProblemId(
            "OutputTooLarge",
            "The results would be larger than --max-output allows.",
            "Take fewer samples or parameters, or allow more with --max-output.");

    private CliProblems() {}
}
