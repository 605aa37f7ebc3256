// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that reading and writing files reports. */
public final class FormatProblems {

    /** The text that names extensions cannot be read. */
    public static final ProblemId INVALID_EXTENSIONS = new ProblemId(
            "InvalidExtensions",
            "The text that names extensions cannot be read.",
            "Write it like KFAC(mc_samples=10),BatchGrad.");

    /** A file cannot be read, is damaged, or is not of the kind that is needed. */
    public static final ProblemId INVALID_FILE = new ProblemId(
            "InvalidFile",
            "A file cannot be read, is damaged, or is not of the kind that is needed.",
            "Check its name, write or download it again, or convert it as the message says.");

    /** A model file does not have the form of a model. */
    public static final ProblemId INVALID_MODEL = new ProblemId(
            "InvalidModel", "A model file does not have the form of a model.", "Correct what the message names.");

    /** A file lacks a tensor that the model needs. */
    public static final ProblemId MISSING_TENSOR = new ProblemId(
            "MissingTensor",
            "A file lacks a tensor that the model needs.",
            "Add it under the name that the message says, or rename the one that is meant.");

    /** A file holds a tied parameter with other numbers than its owner's. */
    public static final ProblemId TIED_TENSOR = new ProblemId(
            "TiedTensor",
            "A file holds a tied parameter with other numbers than its owner's.",
            "Remove or correct it, or do not tie them.");

    /** A file holds a tensor that the model does not know. */
    public static final ProblemId UNKNOWN_TENSOR = new ProblemId(
            "UnknownTensor", "A file holds a tensor that the model does not know.", "Remove or rename it.");

    /** A file cannot be written. */
    public static final ProblemId UNWRITABLE_FILE =
            new ProblemId("UnwritableFile", "A file cannot be written.", "Name another place, or free space there.");

    private FormatProblems() {}
}
