package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.module.ModuleDeclaration;
import java.util.List;
import java.util.Map;

/**
 * A node whose shapes are known.
 *
 * @param index its position in the graph
 * @param node the node
 * @param declaration what its module says
 * @param inputs where its inputs come from
 * @param owners full names of its parameters and buffers by own name; a tied one has its owner's
 */
public record BoundNode(
        int index, Graph.Node node, ModuleDeclaration declaration, List<Source> inputs, Map<String, String> owners) {

    /**
     * Where a node's input comes from.
     *
     * @param fromNode whether it is a node's output or an input of the graph
     * @param index the number of that node, or of that input
     */
    public record Source(boolean fromNode, int index) {}

    /** {@code node 'conv1' (Conv2d)}, for messages. */
    public String described() {
        return "node '%s' (%s)".formatted(node.name(), node.module().type());
    }
}
