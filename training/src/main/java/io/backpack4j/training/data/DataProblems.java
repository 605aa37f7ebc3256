// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that data sets report. */
public final class DataProblems {

    /** A row or a picture of a data set cannot be used. */
    public static final ProblemId BAD_SAMPLE = new ProblemId(
            "BadSample",
            "A row or a picture of a data set cannot be used.",
            "Correct or remove what the message names.");

    /** A data set has no samples, or other shapes than needed. */
    public static final ProblemId BAD_DATA = new ProblemId(
            "BadData",
            "A data set has no samples, or other shapes than needed.",
            "Name other data, or another batch size.");

    private DataProblems() {}
}
