package io.backpack4j.backend.cpu;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that the CPU backend reports. */
final class CpuProblems {

    /** A maximum or minimum was asked of no elements. */
    static final ProblemId EMPTY_REDUCTION = new ProblemId(
            "EmptyReduction", "A maximum or minimum was asked of no elements.", "Reduce over axes that have elements.");

    /** A backend was to be opened with less than one thread. */
    static final ProblemId INVALID_THREADS = new ProblemId(
            "InvalidThreads", "A backend was to be opened with less than one thread.", "Use at least one.");

    /** A native library that was asked for cannot be loaded. */
    static final ProblemId MISSING_LIBRARY = new ProblemId(
            "MissingLibrary",
            "A native library that was asked for cannot be loaded.",
            "Add its jar for this platform, as the message says, or leave the choice to the backend.");

    /** The eigenvalues of a matrix were not found. */
    static final ProblemId NO_CONVERGENCE = new ProblemId(
            "NoConvergence",
            "The eigenvalues of a matrix were not found.",
            "Look for numbers that are not finite, or use float64.");

    /** oneDNN refused an operation. */
    static final ProblemId ONE_DNN_FAILURE = new ProblemId(
            "OneDnnFailure",
            "oneDNN refused an operation.",
            "Report it with the message; -Dbackpack.cpu.kernels=nd4j goes without oneDNN.");

    /** -Dbackpack.cpu.kernels names no kernels. */
    static final ProblemId UNKNOWN_KERNELS =
            new ProblemId("UnknownKernels", "-Dbackpack.cpu.kernels names no kernels.", "Use nd4j or onednn.");

    private CpuProblems() {}
}
