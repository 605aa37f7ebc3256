// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import io.backpack4j.spi.ProblemId;

/** Kinds of problems that reading and writing ONNX reports. */
public final class OnnxProblems {

    /** An ONNX file uses what has no counterpart here. */
    public static final ProblemId UNSUPPORTED_ONNX = new ProblemId(
            "UnsupportedOnnx",
            "An ONNX file uses what has no counterpart here.",
            "Change or export the model as the message says; docs/guide/onnx.md lists operators.");

    /** A model uses a module that cannot be written as ONNX. */
    public static final ProblemId NOT_WRITABLE_AS_ONNX = new ProblemId(
            "NotWritableAsOnnx",
            "A model uses a module that cannot be written as ONNX.",
            "Leave it out; docs/guide/onnx.md lists modules that can be written.");

    private OnnxProblems() {}
}
