// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that the CPU backend reports. */
final class CpuProblems {

    /** A backend was to be opened with less than one thread. */
    static final ProblemId INVALID_THREADS = new ProblemId(
            "InvalidThreads", "A backend was to be opened with less than one thread.", "Use at least one.");

    /** A native library that was asked for cannot be loaded. */
    static final ProblemId MISSING_LIBRARY = new ProblemId(
            "MissingLibrary",
            "A native library that was asked for cannot be loaded.",
            "Add its jar for this platform, as the message says, or leave the choice to the backend.");

    /** -Dbackpack.cpu.kernels names no kernels. */
    static final ProblemId UNKNOWN_KERNELS =
            new ProblemId("UnknownKernels", "-Dbackpack.cpu.kernels names no kernels.", "Use nd4j or onednn.");

    private CpuProblems() {}
}
