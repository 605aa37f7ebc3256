// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that oneDNN's kernels report. */
final class DnnlProblems {

    /** oneDNN refused an operation. */
    static final ProblemId ONE_DNN_FAILURE = new ProblemId(
            "OneDnnFailure",
            "oneDNN refused an operation.",
            "Report it with the message; -Dbackpack.cpu.kernels=nd4j goes without oneDNN.");

    private DnnlProblems() {}
}
