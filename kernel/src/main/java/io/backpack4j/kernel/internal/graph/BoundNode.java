// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.RowBlock;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A node whose shapes are known: one of the graph, or a part of a composition.
 *
 * @param index its position in the graph
 * @param node the node; that of a part has its full name, {@code <node>.<part>}
 * @param described {@code node 'conv1' (Conv2d)}, for messages
 * @param declaration what its module says
 * @param inputs where its inputs come from
 * @param owners its parameters and buffers by own name
 * @param chain the nodes as they are written that it stands for, the first one first; empty for a node of its own
 */
public record BoundNode(
        int index,
        Graph.Node node,
        String described,
        ModuleDeclaration declaration,
        List<Source> inputs,
        Map<String, Owner> owners,
        List<BoundNode> chain) {

    /** A node of its own. */
    BoundNode(
            int index,
            Graph.Node node,
            String described,
            ModuleDeclaration declaration,
            List<Source> inputs,
            Map<String, Owner> owners) {
        this(index, node, described, declaration, inputs, owners, List.of());
    }

    /**
     * Source of a node's input.
     *
     * @param fromNode whether it is a node's output or an input of the graph
     * @param index the number of that node, or of that input
     */
    public record Source(boolean fromNode, int index) {}

    /**
     * Owner of the numbers of a node's parameter or buffer.
     *
     * @param parameter the full name of the network's parameter; that of a tied one is its owner's
     * @param rows which rows of it; all if empty
     */
    public record Owner(String parameter, Optional<RowBlock> rows) {

        /** Some of these rows. */
        Owner rows(RowBlock some) {
            return new Owner(parameter, Optional.of(rows.map(some::within).orElse(some)));
        }
    }

    /** The nodes as they are written: those that it stands for, or itself. */
    public List<BoundNode> written() {
        return chain.isEmpty() ? List.of(this) : chain;
    }

    /** The module's part in a pass, for messages. */
    public Part part() {
        return new Part(described, node.module().getClass());
    }

    /** Name of a node in messages. */
    static String description(String name, Module module) {
        return "node '%s' (%s)".formatted(name, module.type());
    }
}
