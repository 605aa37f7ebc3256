// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that the kernel reports. */
public final class KernelProblems {

    /** Two available backends have the same priority. */
    public static final ProblemId AMBIGUOUS_BACKEND = new ProblemId(
            "AmbiguousBackend",
            "Two available backends have the same priority.",
            "Name one with --backend or -Dbackpack.backend.");

    /** A jar on the class path cannot be read, mostly because it was copied or downloaded only in part. */
    public static final ProblemId BROKEN_JAR = new ProblemId(
            "BrokenJar",
            "A jar on the class path cannot be read, mostly because it was copied or downloaded only in part.",
            "Copy or download it again, or remove it.");

    /** A plugin cannot be loaded: it threw, or a class that it needs is missing. */
    public static final ProblemId BROKEN_PLUGIN = new ProblemId(
            "BrokenPlugin",
            "A plugin cannot be loaded: it threw, or a class that it needs is missing.",
            "Replace its jar, add the jar with the missing class, or leave the plugin out with -Dbackpack.plugins.exclude.");

    /** The pass was ended by its Cancellation, or its thread was interrupted. */
    public static final ProblemId CANCELLED = new ProblemId(
            "Cancelled",
            "The pass was ended by its Cancellation, or its thread was interrupted.",
            "Run it again when it is wanted; the plan stays usable.");

    /** What was used has been closed before. */
    public static final ProblemId CLOSED = new ProblemId(
            "Closed", "What was used has been closed before.", "Use it before closing it, or make another one.");

    /** A module mixes the samples of a batch, so that there is nothing of single samples. */
    public static final ProblemId COUPLED_SAMPLES = new ProblemId(
            "CoupledSamples",
            "A module mixes the samples of a batch, so that there is nothing of single samples.",
            "Use the module's eval mode, take the batch's statistics as constants, or ask for what needs no single samples.");

    /** Two plugins provide the same name. */
    public static final ProblemId DUPLICATE_NAME = new ProblemId(
            "DuplicateName",
            "Two plugins provide the same name.",
            "Remove one jar, or leave a plugin out with -Dbackpack.plugins.exclude.");

    /** Two nodes or inputs of a model have the same name. */
    public static final ProblemId DUPLICATE_NODE =
            new ProblemId("DuplicateNode", "Two nodes or inputs of a model have the same name.", "Rename one.");

    /** Two parameters of a model have the same name. */
    public static final ProblemId DUPLICATE_PARAMETER = new ProblemId(
            "DuplicateParameter",
            "Two parameters of a model have the same name.",
            "Rename a node or a part of a composition.");

    /** One plugin is in several jars, mostly two versions of it. */
    public static final ProblemId DUPLICATE_PLUGIN = new ProblemId(
            "DuplicatePlugin", "One plugin is in several jars, mostly two versions of it.", "Remove all but one.");

    /** Two requests name their results the same. */
    public static final ProblemId DUPLICATE_RESULT =
            new ProblemId("DuplicateResult", "Two requests name their results the same.", "Rename one with as=NAME.");

    /** A session was given a sample id twice. */
    public static final ProblemId DUPLICATE_SAMPLE = new ProblemId(
            "DuplicateSample",
            "A session was given a sample id twice.",
            "Give every sample of a session an id of its own, with sampleIds of the batch.");

    /** A batch has no samples. */
    public static final ProblemId EMPTY_BATCH =
            new ProblemId("EmptyBatch", "A batch has no samples.", "Give it at least one.");

    /** A model has no nodes. */
    public static final ProblemId EMPTY_MODEL =
            new ProblemId("EmptyModel", "A model has no nodes.", "Add at least one.");

    /** The network's output has no elements, so that there is nothing for a loss. */
    public static final ProblemId EMPTY_OUTPUT = new ProblemId(
            "EmptyOutput",
            "The network's output has no elements, so that there is nothing for a loss.",
            "Use inputs whose axes have elements.");

    /** Results were asked of a session to which no batch was added. */
    public static final ProblemId EMPTY_SESSION = new ProblemId(
            "EmptySession", "Results were asked of a session to which no batch was added.", "Add a batch first.");

    /** A module works in place on what a later node reads. */
    public static final ProblemId IN_PLACE_CONFLICT = new ProblemId(
            "InPlaceConflict",
            "A module works in place on what a later node reads.",
            "Set inplace to false, as PyTorch would need, too.");

    /** A plugin was compiled against another major version of the contracts. */
    public static final ProblemId INCOMPATIBLE_PLUGIN = new ProblemId(
            "IncompatiblePlugin",
            "A plugin was compiled against another major version of the contracts.",
            "Use a version of the plugin made for this kernel, or another kernel.");

    /** A name of results holds characters that it cannot hold. */
    public static final ProblemId INVALID_NAME = new ProblemId(
            "InvalidName",
            "A name of results holds characters that it cannot hold.",
            "Use letters, digits, '_', '.' and '-'.");

    /** A session's state is incomplete or not of its form. */
    public static final ProblemId INVALID_STATE = new ProblemId(
            "InvalidState",
            "A session's state is incomplete or not of its form.",
            "Save the session again with the library that reads it.");

    /** The listener of a pass threw. */
    public static final ProblemId LISTENER_FAILURE = new ProblemId(
            "ListenerFailure", "The listener of a pass threw.", "Mend the listener; its exception is the cause.");

    /** The pass does not fit into its memory budget, however it is split. */
    public static final ProblemId MEMORY_BUDGET = new ProblemId(
            "MemoryBudget",
            "The pass does not fit into its memory budget, however it is split.",
            "Allow as much as the message says, use a smaller batch, or ask for less at once.");

    /** A batch lacks an input of the model, or has none at all. */
    public static final ProblemId MISSING_INPUT = new ProblemId(
            "MissingInput",
            "A batch lacks an input of the model, or has none at all.",
            "Add it under the name that the model has for it.");

    /** A loss is needed, but the model has none. */
    public static final ProblemId MISSING_LOSS = new ProblemId(
            "MissingLoss",
            "A loss is needed, but the model has none.",
            "Make the model with a loss; predictions alone do without.");

    /** The loss needs targets, but the batch has none. */
    public static final ProblemId MISSING_TARGETS = new ProblemId(
            "MissingTargets",
            "The loss needs targets, but the batch has none.",
            "Build the batch with targets; predictions alone do without.");

    /** A product was asked for without vectors. */
    public static final ProblemId MISSING_VECTORS = new ProblemId(
            "MissingVectors", "A product was asked for without vectors.", "Give vectors of at least one parameter.");

    /** The numbers of a model changed while a session was open. */
    public static final ProblemId MODEL_CHANGED = new ProblemId(
            "ModelChanged",
            "The numbers of a model changed while a session was open.",
            "Open a session of its own for every state of the model.");

    /** A pattern for the mode of nodes matches none. */
    public static final ProblemId NO_NODES = new ProblemId(
            "NoNodes",
            "A pattern for the mode of nodes matches none.",
            "Use a pattern that matches a name of the message.");

    /** Nothing would be computed: no trained parameter is there, asked for, or matched. */
    public static final ProblemId NO_PARAMETERS = new ProblemId(
            "NoParameters",
            "Nothing would be computed: no trained parameter is there, asked for, or matched.",
            "Name parameters that are trained, or thaw some.");

    /** A jar among the plugins lists no plugin. */
    public static final ProblemId NO_PLUGIN = new ProblemId(
            "NoPlugin",
            "A jar among the plugins lists no plugin.",
            "List the plugin under META-INF/services and build again; a library that a plugin needs may stay.");

    /** KFRA follows a single path from the loss, but the network branches. */
    public static final ProblemId NOT_A_CHAIN = new ProblemId(
            "NotAChain",
            "KFRA follows a single path from the loss, but the network branches.",
            "Use KFLR or KFAC, or leave such parameters out with parameters=[...].");

    /** A session's state belongs to another model, other parameters or other requests. */
    public static final ProblemId OTHER_SESSION = new ProblemId(
            "OtherSession",
            "A session's state belongs to another model, other parameters or other requests.",
            "Open the session as the saved one was opened.");

    /** A pass failed outside of modules, losses and extensions. */
    public static final ProblemId PASS_FAILURE = new ProblemId(
            "PassFailure",
            "A pass failed outside of modules, losses and extensions.",
            "Report it: this is an error of the backend or of this library.");

    /** A part of a plugin threw, returned what it did not declare, or needs a class that is missing. */
    public static final ProblemId PLUGIN_FAILURE = new ProblemId(
            "PluginFailure",
            "A part of a plugin threw, returned what it did not declare, or needs a class that is missing.",
            "Replace the jar that the message names, or add what it needs.");

    /** The taker of results threw. */
    public static final ProblemId TAKER_FAILURE =
            new ProblemId("TakerFailure", "The taker of results threw.", "Mend the taker; its exception is the cause.");

    /** An extension has no result for a parameter that several nodes use together. */
    public static final ProblemId TIED_PARAMETER = new ProblemId(
            "TiedParameter",
            "An extension has no result for a parameter that several nodes use together.",
            "Name other parameters with parameters=[...], or use products with unit vectors.");

    /** No backend with that id is on the class path. */
    public static final ProblemId UNKNOWN_BACKEND = new ProblemId(
            "UnknownBackend",
            "No backend with that id is on the class path.",
            "Use one that the message lists, or add its jar.");

    /** A result does not say how it scales with the loss's factor. */
    public static final ProblemId UNKNOWN_DEGREE = new ProblemId(
            "UnknownDegree",
            "A result does not say how it scales with the loss's factor.",
            "Declare it with a degree, or use a loss with reduction 'sum'.");

    /** No extension with that name is on the class path. */
    public static final ProblemId UNKNOWN_EXTENSION = new ProblemId(
            "UnknownExtension",
            "No extension with that name is on the class path.",
            "Use one that the message lists, or add its jar.");

    /** A node takes what is neither an input of the model nor a node before it. */
    public static final ProblemId UNKNOWN_INPUT = new ProblemId(
            "UnknownInput",
            "A node takes what is neither an input of the model nor a node before it.",
            "Use a name that the message lists, in the order of computation.");

    /** No loss with that name is on the class path. */
    public static final ProblemId UNKNOWN_LOSS = new ProblemId(
            "UnknownLoss",
            "No loss with that name is on the class path.",
            "Use one that the message lists, or add its jar.");

    /** A product was asked for with a matrix for which the network was not linearised. */
    public static final ProblemId UNKNOWN_MATRIX = new ProblemId(
            "UnknownMatrix",
            "A product was asked for with a matrix for which the network was not linearised.",
            "Name the matrix when linearising.");

    /** No module with that name is on the class path. */
    public static final ProblemId UNKNOWN_MODULE = new ProblemId(
            "UnknownModule",
            "No module with that name is on the class path.",
            "Use one that the message lists, or add its jar.");

    /** The output of a model is not one of its nodes. */
    public static final ProblemId UNKNOWN_OUTPUT = new ProblemId(
            "UnknownOutput", "The output of a model is not one of its nodes.", "Use a name that the message lists.");

    /** An extension asked for a partial result that it did not declare. */
    public static final ProblemId UNKNOWN_PARTIAL = new ProblemId(
            "UnknownPartial",
            "An extension asked for a partial result that it did not declare.",
            "Declare it; this is an error of its plugin.");

    /** A result was asked for that the pass did not compute or keep. */
    public static final ProblemId UNKNOWN_RESULT = new ProblemId(
            "UnknownResult",
            "A result was asked for that the pass did not compute or keep.",
            "Ask for it before the pass, or use one that the message lists.");

    /** No service of that kind and name is on the class path. */
    public static final ProblemId UNKNOWN_SERVICE = new ProblemId(
            "UnknownService",
            "No service of that kind and name is on the class path.",
            "Use one that the message lists, or add its jar.");

    /** A session was used after it was closed, or after adding a batch failed half-way. */
    public static final ProblemId UNUSABLE_SESSION = new ProblemId(
            "UnusableSession",
            "A session was used after it was closed, or after adding a batch failed half-way.",
            "Open another one.");

    /** A node of a model does not lead to its output. */
    public static final ProblemId UNUSED_NODE =
            new ProblemId("UnusedNode", "A node of a model does not lead to its output.", "Remove or connect it.");

    /** Vectors lie on another backend than the model. */
    public static final ProblemId WRONG_BACKEND = new ProblemId(
            "WrongBackend", "Vectors lie on another backend than the model.", "Make them on the model's backend.");

    /** A plan was run with a batch of other shapes or types. */
    public static final ProblemId WRONG_BATCH = new ProblemId(
            "WrongBatch",
            "A plan was run with a batch of other shapes or types.",
            "Make another plan for such batches.");

    /** A model was given another number of input shapes than it has inputs. */
    public static final ProblemId WRONG_INPUTS = new ProblemId(
            "WrongInputs",
            "A model was given another number of input shapes than it has inputs.",
            "Give one shape for each input.");

    /** Results were given back to a run that makes others. */
    public static final ProblemId WRONG_RESULTS = new ProblemId(
            "WrongResults",
            "Results were given back to a run that makes others.",
            "Give back results of the same plan, or close them and give none.");

    private KernelProblems() {}

    /** Runs bring an operand that an extension declares, but this run does not. */
    public static final ProblemId MISSING_OPERAND = new ProblemId(
            "MissingOperand",
            "Runs bring an operand that an extension declares, but this run does not.",
            "Give it with RunOptions.operands, with Session.add, or as operand/<name>/<parameter> in a data file.");

    /** A session was given other operands than before. */
    public static final ProblemId OTHER_OPERAND = new ProblemId(
            "OtherOperand",
            "A session was given other operands than before.",
            "Give the same with every batch, or open another session.");
}
