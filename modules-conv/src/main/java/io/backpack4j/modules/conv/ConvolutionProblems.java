// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that convolutions and their like report. */
public final class ConvolutionProblems {

    /** A batch norm in train mode has one number per channel. */
    public static final ProblemId TOO_FEW_SAMPLES = new ProblemId(
            "TooFewSamples",
            "A batch norm in train mode has one number per channel.",
            "Use more samples, or its eval mode.");

    private ConvolutionProblems() {}
}
