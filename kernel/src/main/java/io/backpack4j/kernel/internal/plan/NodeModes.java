package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.ModeOptions;
import io.backpack4j.kernel.Patterns;
import io.backpack4j.kernel.internal.pass.Part;
import io.backpack4j.kernel.internal.pass.PluginCalls;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import java.util.Optional;

/** Puts a graph's modules into the modes of a pass. */
final class NodeModes {

    private NodeModes() {}

    /**
     * The graph with modules in their modes; the graph itself if nothing is said.
     *
     * @throws BackpackException if a pattern matches no node
     */
    static Graph applied(Graph graph, ModeOptions options) {
        requireMatches(graph, options);
        boolean constant = options.statistics() == BatchStatistics.CONSTANT;
        if (options.mode().isEmpty() && options.nodes().isEmpty() && !constant) {
            return graph;
        }
        Graph.Builder builder = Graph.builder().inputs(graph.inputs().toArray(String[]::new));
        for (Graph.Node node : graph.nodes()) {
            Optional<Mode> mode = mode(node.name(), options);
            Part part = Part.of(node);
            Module module = PluginCalls.call(part, "as it took its mode", () -> {
                Module own = node.module();
                Module inMode = mode.isPresent() ? own.inMode(mode.get()) : own;
                return constant ? inMode.withConstantStatistics() : inMode;
            });
            builder.add(new Graph.Node(node.name(), module, node.inputs(), node.frozen(), node.ties()));
        }
        return builder.output(graph.output()).build();
    }

    private static Optional<Mode> mode(String node, ModeOptions options) {
        return options.nodes().stream()
                .filter(named -> Patterns.matches(named.pattern(), node))
                .map(ModeOptions.OfNodes::mode)
                .reduce((earlier, later) -> later)
                .or(options::mode);
    }

    private static void requireMatches(Graph graph, ModeOptions options) {
        for (ModeOptions.OfNodes named : options.nodes()) {
            if (graph.nodes().stream().noneMatch(node -> Patterns.matches(named.pattern(), node.name()))) {
                throw new BackpackException(
                        KernelProblems.NO_NODES,
                        "The mode %s is for nodes '%s', but no node matches. Nodes: %s."
                                .formatted(
                                        named.mode(),
                                        named.pattern(),
                                        graph.nodes().stream()
                                                .map(Graph.Node::name)
                                                .toList()));
            }
        }
    }
}
