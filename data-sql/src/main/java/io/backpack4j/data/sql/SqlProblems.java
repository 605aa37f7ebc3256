// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that tables report. */
public final class SqlProblems {

    /** A query or a file of a table cannot be read. */
    public static final ProblemId UNREADABLE_TABLE = new ProblemId(
            "UnreadableTable",
            "A query or a file of a table cannot be read.",
            "Correct what the database's words say: the name of a file, the query, a field that is no number.");

    /** A table has no column of that name. */
    public static final ProblemId UNKNOWN_COLUMN =
            new ProblemId("UnknownColumn", "A table has no column of that name.", "Use a name that the message lists.");

    /** A column holds something else than what is needed of it. */
    public static final ProblemId WRONG_COLUMN = new ProblemId(
            "WrongColumn",
            "A column holds something else than what is needed of it.",
            "Convert it with a query, as the message says.");

    /** A query gave other rows than when they were counted. */
    public static final ProblemId CHANGED_TABLE = new ProblemId(
            "ChangedTable",
            "A query gave more or fewer rows than when they were counted.",
            "Use a query that gives the same rows each time: samples with REPEATABLE, files that nobody writes.");

    private SqlProblems() {}
}
