// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.Module;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A network: modules, each fed by the model's inputs or by nodes before it, and one output. Immutable.
 *
 * <pre>{@code
 * Graph chain = Graph.sequential(new Linear(784, 100), new ReLU(), new Linear(100, 10));
 * }</pre>
 */
public final class Graph {

    /** The name of a model's only input. */
    public static final String INPUT = "input";

    private final List<String> inputs;
    private final List<Node> nodes;
    private final String output;

    private Graph(List<String> inputs, List<Node> nodes, String output) {
        this.inputs = List.copyOf(inputs);
        this.nodes = List.copyOf(nodes);
        this.output = output;
    }

    /**
     * A node of a graph.
     *
     * @param name unique within the graph
     * @param module what it does
     * @param inputs names of nodes before it and of the graph's inputs
     * @param frozen which parameters are not trained
     * @param ties parameters that are another node's: own name to full name
     */
    public record Node(String name, Module module, List<String> inputs, Frozen frozen, Map<String, String> ties) {
        public Node {
            inputs = List.copyOf(inputs);
            ties = Map.copyOf(ties);
        }
    }

    /** A chain of modules, named {@code 0}, {@code 1}, … as PyTorch does. */
    public static Graph sequential(Module... modules) {
        Builder builder = builder();
        for (Module module : modules) {
            builder.add(module);
        }
        return builder.build();
    }

    /** A graph with one input, {@value #INPUT}, unless the builder is told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    /** The names of the inputs. */
    public List<String> inputs() {
        return inputs;
    }

    /** The nodes, each after those that feed it. */
    public List<Node> nodes() {
        return nodes;
    }

    /** The name of the output node. */
    public String output() {
        return output;
    }

    /** Collects nodes. What is wrong is reported by {@link #build}, all at once. */
    public static final class Builder {

        private final List<Node> nodes = new ArrayList<>();
        private List<String> inputs = List.of(INPUT);
        private String output = "";

        private Builder() {}

        /** Names the inputs. */
        public Builder inputs(String... names) {
            inputs = List.of(names);
            return this;
        }

        /** Adds a node that takes the output of the node before it, named by its number. */
        public Builder add(Module module) {
            return add(String.valueOf(nodes.size()), module);
        }

        /** Adds a node; without inputs it takes the output of the node before it. */
        public Builder add(String name, Module module, String... inputsOfNode) {
            return add(new Node(name, module, List.of(inputsOfNode), Frozen.NONE, Map.of()));
        }

        /** Adds a node; without inputs it takes the output of the node before it. */
        public Builder add(Node node) {
            if (node.inputs().isEmpty()) {
                String before = nodes.isEmpty()
                        ? inputs.get(0)
                        : nodes.get(nodes.size() - 1).name();
                nodes.add(new Node(node.name(), node.module(), List.of(before), node.frozen(), node.ties()));
            } else {
                nodes.add(node);
            }
            return this;
        }

        /** Names the output; it is the last node if nothing is said. */
        public Builder output(String name) {
            output = name;
            return this;
        }

        /** Checks the graph and builds it. */
        public Graph build() {
            Problems problems = new Problems();
            if (nodes.isEmpty()) {
                problems.add(KernelProblems.EMPTY_MODEL, "The model has no nodes. Add at least one.");
                problems.throwIfAny();
            }
            String result = output.isEmpty() ? nodes.get(nodes.size() - 1).name() : output;
            Set<String> known = new HashSet<>(inputs);
            Map<String, Node> byName = new LinkedHashMap<>();
            Set<String> later = new HashSet<>();
            nodes.forEach(node -> later.add(node.name()));
            for (Node node : nodes) {
                for (String input : node.inputs()) {
                    if (!known.contains(input)) {
                        String hint = later.contains(input)
                                ? "It is a node, but not one before it: nodes stand in the order of computation, and cycles are not possible."
                                : "Possible: "
                                        + String.join(
                                                ", ", known.stream().sorted().toList()) + ".";
                        problems.add(
                                KernelProblems.UNKNOWN_INPUT,
                                "Node '%s' takes '%s', which is not known there. %s"
                                        .formatted(node.name(), input, hint));
                    }
                }
                if (!known.add(node.name())) {
                    problems.add(
                            KernelProblems.DUPLICATE_NODE,
                            "Two nodes or inputs are named '%s'. Rename one.".formatted(node.name()));
                }
                byName.put(node.name(), node);
            }
            if (!byName.containsKey(result)) {
                problems.add(
                        KernelProblems.UNKNOWN_OUTPUT,
                        "The output '%s' is not a node. Possible: %s."
                                .formatted(result, String.join(", ", byName.keySet())));
            } else if (problems.isEmpty()) {
                // With unknown inputs it would only echo them.
                reportUnused(byName, result, problems);
            }
            problems.throwIfAny();
            return new Graph(inputs, nodes, result);
        }

        private static void reportUnused(Map<String, Node> byName, String result, Problems problems) {
            Set<String> used = new HashSet<>();
            List<String> open = new ArrayList<>(List.of(result));
            while (!open.isEmpty()) {
                String name = open.remove(open.size() - 1);
                Node node = byName.get(name);
                if (node != null && used.add(name)) {
                    open.addAll(node.inputs());
                }
            }
            for (String name : byName.keySet()) {
                if (!used.contains(name)) {
                    problems.add(
                            KernelProblems.UNUSED_NODE,
                            "Node '%s' does not lead to the output '%s'. Remove it or connect it."
                                    .formatted(name, result));
                }
            }
        }
    }
}
