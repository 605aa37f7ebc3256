/**
 * What an ONNX file holds, as records: graph, nodes, attributes, tensors whose numbers stay in the file.
 *
 * <p>Source of field numbers: onnx.proto of ONNX, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
@NullMarked
package io.backpack4j.onnx.proto;

import org.jspecify.annotations.NullMarked;
