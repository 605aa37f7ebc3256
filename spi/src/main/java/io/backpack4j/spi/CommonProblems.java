// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

/** Kinds of problems: what is reported by several rooms, and by the contracts themselves. */
public final class CommonProblems {

    /** The backend that was asked for cannot be used here, or none can. */
    public static final ProblemId BACKEND_UNAVAILABLE = new ProblemId(
            "BackendUnavailable",
            "The backend that was asked for cannot be used here, or none can.",
            "Do what the probe's remedy says, or name another backend; ./backpack backends lists them.");

    /** A backend was used after it was closed. */
    public static final ProblemId CLOSED_BACKEND = new ProblemId(
            "ClosedBackend",
            "A backend was used after it was closed.",
            "Close BackPack last, after models, batches and results.");

    /** A scope of tensors was used after it was closed. */
    public static final ProblemId CLOSED_SCOPE = new ProblemId(
            "ClosedScope",
            "A scope of tensors was used after it was closed.",
            "Allocate before closing the scope, or open another one.");

    /** A tensor was used after its owner, such as the results, was closed. */
    public static final ProblemId CLOSED_TENSOR = new ProblemId(
            "ClosedTensor",
            "A tensor was used after its owner, such as the results, was closed.",
            "Copy the numbers before, or keep the owner open longer.");

    /** A tensor of one backend was given to another. */
    public static final ProblemId FOREIGN_TENSOR = new ProblemId(
            "ForeignTensor",
            "A tensor of one backend was given to another.",
            "Copy it through arrays, or make it where it is used.");

    /** A module was given another number of inputs than it takes. */
    public static final ProblemId INPUT_COUNT_MISMATCH = new ProblemId(
            "InputCountMismatch",
            "A module was given another number of inputs than it takes.",
            "Connect as many inputs as it takes.");

    /** A derivative of an activation was asked for from what does not determine it. */
    public static final ProblemId INVALID_ACTIVATION = new ProblemId(
            "InvalidActivation",
            "A derivative of an activation was asked for from what does not determine it.",
            "Pass the activation's input; this is an error of a module.");

    /** An argument of a module, a loss, an extension or a method has a value that it cannot have. */
    public static final ProblemId INVALID_ARGUMENT = new ProblemId(
            "InvalidArgument",
            "An argument of a module, a loss, an extension or a method has a value that it cannot have.",
            "Use a value that the message lists.");

    /** An extension or a module declared what contradicts itself. */
    public static final ProblemId INVALID_DECLARATION = new ProblemId(
            "InvalidDeclaration",
            "An extension or a module declared what contradicts itself.",
            "Change the declaration as the message says; this is an error of its plugin.");

    /** An option or a property has a value that it cannot have, or does not go with another. */
    public static final ProblemId INVALID_OPTION = new ProblemId(
            "InvalidOption",
            "An option or a property has a value that it cannot have, or does not go with another.",
            "Use a value that the message lists, or leave one of the options out.");

    /** A derivative of another order than 0, 1 or 2 was asked for. */
    public static final ProblemId INVALID_ORDER = new ProblemId(
            "InvalidOrder",
            "A derivative of another order than 0, 1 or 2 was asked for.",
            "Ask for one of these; this is an error of a module.");

    /** The id of a plugin holds characters that it cannot hold, or too many. */
    public static final ProblemId INVALID_PLUGIN_ID = new ProblemId(
            "InvalidPluginId",
            "The id of a plugin holds characters that it cannot hold, or too many.",
            "Use 2 to 64 lower-case letters, digits and hyphens, starting with a letter.");

    /** Rows were asked of a tensor that does not have them. */
    public static final ProblemId INVALID_ROWS = new ProblemId(
            "InvalidRows",
            "Rows were asked of a tensor that does not have them.",
            "Ask for rows within its first axis; this is an error of a plugin.");

    /** A shape has a negative axis, or more elements than can be counted. */
    public static final ProblemId INVALID_SHAPE = new ProblemId(
            "InvalidShape",
            "A shape has a negative axis, or more elements than can be counted.",
            "Use a smaller shape without negative sizes.");

    /** A tensor was to be viewed with another number of elements. */
    public static final ProblemId INVALID_VIEW = new ProblemId(
            "InvalidView",
            "A tensor was to be viewed with another number of elements.",
            "Use a shape with as many elements; this is an error of a plugin.");

    /** A module, a loss or an extension lacks an argument that has no default. */
    public static final ProblemId MISSING_ARGUMENT = new ProblemId(
            "MissingArgument", "A module, a loss or an extension lacks an argument that has no default.", "Give it.");

    /** A single number was asked of a tensor with several or none. */
    public static final ProblemId NOT_A_SCALAR = new ProblemId(
            "NotAScalar",
            "A single number was asked of a tensor with several or none.",
            "Read the tensor with read(...) instead.");

    /** A number is infinite or not a number. */
    public static final ProblemId NOT_FINITE = new ProblemId(
            "NotFinite",
            "A number is infinite or not a number.",
            "See where it begins, scale the numbers, use float64, or accept it with --nan ignore.");

    /** A result cannot be merged over chunks or batches. */
    public static final ProblemId NOT_MERGEABLE = new ProblemId(
            "NotMergeable",
            "A result cannot be merged over chunks or batches.",
            "Take the batch as a whole, or ask for what merges.");

    /** A matrix that was to be decomposed is not positive definite. */
    public static final ProblemId NOT_POSITIVE_DEFINITE = new ProblemId(
            "NotPositiveDefinite",
            "A matrix that was to be decomposed is not positive definite.",
            "Add a larger damping, or use float64.");

    /** A module's arguments cannot be said by a model file. */
    public static final ProblemId NOT_WRITABLE = new ProblemId(
            "NotWritable",
            "A module's arguments cannot be said by a model file.",
            "Use modules that files know, or override 'arguments' in the module's class.");

    /** There is no more memory, of the process or the device. */
    public static final ProblemId OUT_OF_MEMORY = new ProblemId(
            "OutOfMemory",
            "There is no more memory, of the process or the device.",
            "Use a smaller batch, ask for less at once, set a budget, or give the process more.");

    /** Elements were asked of a tensor that does not have them. */
    public static final ProblemId RANGE_OUT_OF_BOUNDS = new ProblemId(
            "RangeOutOfBounds",
            "Elements were asked of a tensor that does not have them.",
            "Ask for a range within its elements.");

    /** A tensor has another shape than is needed where it is used. */
    public static final ProblemId SHAPE_MISMATCH = new ProblemId(
            "ShapeMismatch",
            "A tensor has another shape than is needed where it is used.",
            "Use the shape that the message says.");

    /** A size is beyond what can be computed here. */
    public static final ProblemId TOO_LARGE = new ProblemId(
            "TooLarge",
            "A size is beyond what can be computed here.",
            "Use a smaller batch or model, or what the message offers.");

    /** A tensor does not fit into one Java array. */
    public static final ProblemId TOO_LARGE_FOR_ARRAY =
            new ProblemId("TooLargeForArray", "A tensor does not fit into one Java array.", "Read it in ranges.");

    /** Targets are of another type than the loss needs. */
    public static final ProblemId TYPE_MISMATCH = new ProblemId(
            "TypeMismatch",
            "Targets are of another type than the loss needs.",
            "Give class indices as integers, everything else as real numbers.");

    /** A module, a loss or an extension does not have an argument that was given. */
    public static final ProblemId UNKNOWN_ARGUMENT = new ProblemId(
            "UnknownArgument",
            "A module, a loss or an extension does not have an argument that was given.",
            "Use one that the message lists, or remove it.");

    /** An extension has no operand of that name. */
    public static final ProblemId UNKNOWN_OPERAND = new ProblemId(
            "UnknownOperand",
            "An extension has no operand of that name.",
            "Use a name that the extension declares; this is an error of its plugin.");

    /** A parameter was named that is not there. */
    public static final ProblemId UNKNOWN_PARAMETER = new ProblemId(
            "UnknownParameter", "A parameter was named that is not there.", "Use a name that the message lists.");

    /** A module's parameter lacks a form of a contraction that it declared. */
    public static final ProblemId UNSUPPORTED_CONTRACTION = new ProblemId(
            "UnsupportedContraction",
            "A module's parameter lacks a form of a contraction that it declared.",
            "Override directForm, or declare less; this is an error of its plugin.");

    /** The loss lacks what was asked for, such as a root of its Hessian. */
    public static final ProblemId UNSUPPORTED_LOSS = new ProblemId(
            "UnsupportedLoss",
            "The loss lacks what was asked for, such as a root of its Hessian.",
            "Use a loss that offers it, or an extension that does without.");

    /** A module lacks what was asked for, such as a second derivative. */
    public static final ProblemId UNSUPPORTED_MODULE = new ProblemId(
            "UnsupportedModule",
            "A module lacks what was asked for, such as a second derivative.",
            "Use a module that offers it, which ./backpack support lists, or leave such parameters out.");

    /** A tensor is of another element type than is needed. */
    public static final ProblemId WRONG_TYPE = new ProblemId(
            "WrongType", "A tensor is of another element type than is needed.", "Convert it, as the message says.");

    /** Groups of parameters do not fit the network. */
    public static final ProblemId INVALID_GROUPS = new ProblemId(
            "InvalidGroups",
            "A group of parameters is empty, or a parameter is in two groups.",
            "Name every parameter in one group at most.");

    private CommonProblems() {}

    /** The graph of a composition does not fit together. */
    public static final ProblemId INVALID_COMPOSITION = new ProblemId(
            "InvalidComposition",
            "The graph of a composition does not fit together.",
            "Mend it: every part, input and parameter that it names must be there, and their shapes must fit.");

    /** What was asked for is not there in an implementation of the contracts. */
    public static final ProblemId UNSUPPORTED = new ProblemId(
            "Unsupported",
            "What was asked for is not there in an implementation of the contracts.",
            "Use the kernel's own implementation, or override the method that the message names.");
}
