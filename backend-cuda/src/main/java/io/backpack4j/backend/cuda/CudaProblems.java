// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that the CUDA backend reports. */
final class CudaProblems {

    /** The device reported an error. */
    static final ProblemId CUDA_FAILURE = new ProblemId(
            "CudaFailure",
            "The device reported an error.",
            "Set CUDA_LAUNCH_BLOCKING=1 to see which operation it is; look at the driver with nvidia-smi.");

    /** A property of the CUDA backend has a value that it cannot have. */
    static final ProblemId INVALID_PROPERTY = new ProblemId(
            "InvalidProperty",
            "A property of the CUDA backend has a value that it cannot have.",
            "Use a value that the message lists.");

    /** The eigenvalues of a matrix did not converge on the device. */
    static final ProblemId NOT_CONVERGED = new ProblemId(
            "NotConverged", "The eigenvalues of a matrix did not converge on the device.", "Use float64.");

    /** A tensor has more axes than the CUDA backend handles at once. */
    static final ProblemId TOO_MANY_AXES = new ProblemId(
            "TooManyAxes",
            "A tensor has more axes than the CUDA backend handles at once.",
            "Merge axes, or use the CPU backend.");

    /** A property of the CUDA backend is not known. */
    static final ProblemId UNKNOWN_PROPERTY = new ProblemId(
            "UnknownProperty", "A property of the CUDA backend is not known.", "Use one that the message lists.");

    private CudaProblems() {}
}
