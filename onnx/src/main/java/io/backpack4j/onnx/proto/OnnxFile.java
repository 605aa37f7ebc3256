// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.proto;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model as its file has it.
 *
 * @param producer the program that wrote it
 * @param opsets the version of every domain of operators; the standard one has the name ""
 * @param graph the network
 * @param functions how many operators the file defines itself
 */
public record OnnxFile(String producer, Map<String, Long> opsets, Graph graph, int functions) {

    /**
     * A network.
     *
     * @param sparse how many sparse initializers it has, which are not read
     */
    public record Graph(
            List<Node> nodes, List<StoredTensor> initializers, List<Value> inputs, List<Value> outputs, int sparse) {}

    /**
     * A use of an operator.
     *
     * @param inputs names of values; "" where an optional one is left out
     * @param metadata what exporters say about where it comes from
     */
    public record Node(
            String name,
            String operator,
            String domain,
            List<String> inputs,
            List<String> outputs,
            Map<String, Attribute> attributes,
            Map<String, String> metadata) {}

    /**
     * An attribute of a node; what it is not of is empty or zero.
     *
     * @param isGraph whether it is a graph, which is not read
     */
    public record Attribute(
            String name,
            float number,
            long integer,
            String text,
            List<StoredTensor> tensors,
            List<Float> numbers,
            List<Long> integers,
            List<String> texts,
            boolean isGraph) {}

    /**
     * An input or output of a graph.
     *
     * @param type of its elements; UNDEFINED if it is no tensor
     * @param sizes of its axes: −1 where the file has a name or nothing; null if the file has no shape
     * @param names of its axes, "" where there is none
     */
    public record Value(
            String name, ElementType type, @Nullable List<Long> sizes, List<String> names) {}
}
