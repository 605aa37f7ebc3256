// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that evaluations on Spark report. */
public final class SparkProblems {

    /** A row lacks a number, or has one that does not fit. */
    public static final ProblemId INVALID_ROW = new ProblemId(
            "InvalidRow",
            "A row lacks a number, or has one that does not fit.",
            "Correct or filter out the sample that the message names.");

    /** The columns of a table are not those that a model takes. */
    public static final ProblemId INVALID_COLUMNS = new ProblemId(
            "InvalidColumns",
            "The columns of a table are not those that a model takes.",
            "Name other columns, or cast them, as the message says.");

    /** Samples need ids, and there is no column of them. */
    public static final ProblemId MISSING_IDS = new ProblemId(
            "MissingIds", "Samples need ids, and there is no column of them.", "Name one with SampleColumns.id.");

    /** Several samples have one id. */
    public static final ProblemId REPEATED_IDS = new ProblemId(
            "RepeatedIds", "Several samples have one id.", "Remove the repeated rows, or use another column.");

    /** The state of an evaluation is larger than what the driver takes. */
    public static final ProblemId STATE_TOO_LARGE = new ProblemId(
            "StateTooLarge",
            "The state of an evaluation is larger than what the driver takes.",
            "Raise spark.driver.maxResultSize, or ask for less.");

    /** Something cannot be sent to executors. */
    public static final ProblemId NOT_SENDABLE = new ProblemId(
            "NotSendable",
            "Something cannot be sent to executors.",
            "Use a record of numbers, words, flags, lists and other such records.");

    /** The data is a table of Spark Connect, whose client has no tasks of its own. */
    public static final ProblemId SPARK_CONNECT = new ProblemId(
            "SparkConnect",
            "The data is a table of Spark Connect, whose client has no tasks of its own.",
            "Run the program on the cluster with spark-submit.");

    /** There are no samples. */
    public static final ProblemId NO_SAMPLES =
            new ProblemId("NoSamples", "There are no samples.", "Look at what the rows were filtered by.");

    private SparkProblems() {}
}
