// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/** A graph whose shapes are known: what every node makes, which parameters there are, and who uses them. Immutable. */
public final class BoundGraph {

    private final Graph graph;
    private final List<Shape> inputShapes;
    private final List<BoundNode> nodes;
    private final int output;
    private final Map<String, ParameterSpec> parameters;
    private final Map<String, List<Use>> uses;

    /**
     * A use of a trained parameter.
     *
     * @param node the node's number
     * @param name the parameter's name within the node
     * @param rows the rows of the parameter that are used; all if empty
     */
    public record Use(int node, String name, Optional<RowBlock> rows) {

        /** A use of all of a parameter. */
        public Use(int node, String name) {
            this(node, name, Optional.empty());
        }

        /** Whether some element of the parameter is used by both. */
        private boolean overlaps(Use other) {
            return rows.isEmpty() || other.rows.isEmpty() || rows.get().overlaps(other.rows.get());
        }

        /**
         * Whether some element of a parameter has several of its uses: what is true of single uses is not true of their
         * sum then.
         */
        public static boolean areTied(List<Use> uses) {
            for (int first = 0; first < uses.size(); first++) {
                for (int second = first + 1; second < uses.size(); second++) {
                    if (uses.get(first).overlaps(uses.get(second))) {
                        return true;
                    }
                }
            }
            return false;
        }
    }

    BoundGraph(
            Graph graph,
            List<Shape> inputShapes,
            List<BoundNode> nodes,
            int output,
            Map<String, ParameterSpec> parameters,
            Map<String, List<Use>> uses) {
        this.graph = graph;
        this.inputShapes = List.copyOf(inputShapes);
        this.nodes = List.copyOf(nodes);
        this.output = output;
        this.parameters = parameters;
        this.uses = uses;
    }

    /**
     * Binds a graph.
     *
     * @param inputShapes the shape of one sample of each input
     * @param maker makes the parts of compositions
     * @throws BackpackException with everything that does not fit
     */
    public static BoundGraph bind(Graph graph, List<Shape> inputShapes, PartMaker maker) {
        return bind(graph, inputShapes, maker, (name, module) -> module);
    }

    /**
     * Binds a graph whose modules are put into modes.
     *
     * @param inputShapes the shape of one sample of each input
     * @param maker makes the parts of compositions
     * @param modes makes of a node's full name and its module the module in its mode; compositions come before their
     *     parts
     * @throws BackpackException with everything that does not fit
     */
    public static BoundGraph bind(
            Graph graph, List<Shape> inputShapes, PartMaker maker, BiFunction<String, Module, Module> modes) {
        if (inputShapes.size() != graph.inputs().size()) {
            throw new BackpackException(
                    KernelProblems.WRONG_INPUTS,
                    "The model has %d input(s) (%s), but %d shape(s) were given."
                            .formatted(graph.inputs().size(), String.join(", ", graph.inputs()), inputShapes.size()));
        }
        return new GraphBinder(graph, inputShapes, maker, modes).bind();
    }

    /** This graph with chains of nodes replaced by single ones that do the same. */
    public BoundGraph fused(List<Fusion> fusions) {
        FusedGraph fused = new FusedGraph(this, fusions);
        List<BoundNode> fewer = fused.nodes();
        Map<String, List<Use>> moved = new LinkedHashMap<>();
        uses.forEach((parameter, all) -> moved.put(
                parameter,
                all.stream()
                        .map(use -> new Use(fused.number(use.node()), use.name(), use.rows()))
                        .toList()));
        return new BoundGraph(graph, inputShapes, fewer, fused.number(output), parameters, moved);
    }

    /** The graph as it is written: a composition is one node of it, and its parts are {@link #nodes}. */
    public Graph graph() {
        return graph;
    }

    /** The shapes of one sample's inputs. */
    public List<Shape> inputShapes() {
        return inputShapes;
    }

    /** The nodes, compositions replaced by their parts, each after those that feed it. */
    public List<BoundNode> nodes() {
        return nodes;
    }

    /** The nodes as they are written, those of replaced chains, too. */
    public List<BoundNode> writtenNodes() {
        return nodes.stream().flatMap(node -> node.written().stream()).toList();
    }

    /** The number of the output node. */
    public int output() {
        return output;
    }

    /** The shape of one sample's output. */
    public Shape outputShape() {
        return nodes.get(output).declaration().output();
    }

    /** The shape of one sample of what a node's input comes from. */
    public Shape shape(BoundNode.Source source) {
        return source.fromNode() ? nodes.get(source.index()).declaration().output() : inputShapes.get(source.index());
    }

    /** Specifications of all parameters and buffers by full name, in the order of the network. */
    public Map<String, ParameterSpec> parameters() {
        return parameters;
    }

    /** The trained parameters by full name, in the order of the network, with all their uses. */
    public Map<String, List<Use>> uses() {
        return uses;
    }
}
