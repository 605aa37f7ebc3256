/**
 * An ONNX graph becomes a model of this library: what is known of every value without running the network ({@link
 * io.backpack4j.onnx.reading.Value}), the nodes that the network gets, and a converter for every operator.
 *
 * <p>Axis 0 of the network's inputs is the batch. In the file's own tensors it may stand elsewhere, or be joined with
 * other axes: transposes, reshapes and the like are followed on paper, and only what needs another order of numbers
 * becomes a node.
 */
@NullMarked
package io.backpack4j.onnx.reading;

import org.jspecify.annotations.NullMarked;
