// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.Problems;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Refuses {@code inplace} where it would change numbers: in PyTorch such a node overwrites its input, and whoever reads
 * that input, or another view of it, afterwards sees what was written. Here nothing is overwritten, so the numbers
 * would be others. Nodes run in their order. Every view of a tensor counts as all of it, though slices may lie beside
 * each other and flattening may copy what was permuted: a mistake of that side costs a flag.
 */
final class InPlaceNodes {

    /**
     * Places where the numbers of every tensor so far lie: several places if a node has several inputs and is in place.
     */
    private final Map<String, Set<String>> places = new HashMap<>();

    /**
     * The nodes in place that had written to a tensor's places when it came to be, itself included: it shows what they
     * wrote.
     */
    private final Map<String, Set<String>> shown = new HashMap<>();

    /** The nodes in place so far, by the places that they wrote to. */
    private final Map<String, Set<String>> writers = new HashMap<>();

    private final Map<String, Graph.Node> nodes = new HashMap<>();
    private final Problems problems = new Problems();

    private InPlaceNodes() {}

    /**
     * Checks a graph.
     *
     * @param descriptions its nodes' arguments
     */
    static void check(Graph graph, List<NodeDescription> descriptions) {
        Set<String> flagged = new HashSet<>();
        for (NodeDescription description : descriptions) {
            if (Boolean.TRUE.equals(description.arguments().get("inplace"))) {
                flagged.add(description.name());
            }
        }
        if (!flagged.isEmpty()) {
            var check = new InPlaceNodes();
            graph.inputs().forEach(check::own);
            graph.nodes().forEach(node -> check.visit(node, flagged.contains(node.name())));
            check.problems.throwIfAny();
        }
    }

    private void visit(Graph.Node node, boolean flagged) {
        nodes.put(node.name(), node);
        for (String input : new LinkedHashSet<>(node.inputs())) {
            read(node, input);
        }
        // What hands its input on, as dropout does in evaluation, writes nothing in place either.
        boolean view = node.module().isView();
        if (!view && !flagged) {
            own(node.name());
            return;
        }
        Set<String> at = new HashSet<>();
        Set<String> through = new HashSet<>();
        for (String input : node.inputs()) {
            at.addAll(of(places, input));
        }
        // A view of what has been overwritten was reported when it read its input, and shows what all have written.
        at.forEach(place -> through.addAll(of(writers, place)));
        if (!view) {
            at.forEach(place ->
                    writers.computeIfAbsent(place, key -> new LinkedHashSet<>()).add(node.name()));
            through.add(node.name());
        }
        places.put(node.name(), at);
        shown.put(node.name(), through);
    }

    private void own(String tensor) {
        places.put(tensor, Set.of(tensor));
        shown.put(tensor, Set.of());
    }

    private void read(Graph.Node reader, String input) {
        Set<String> reported = new HashSet<>(of(shown, input));
        for (String place : of(places, input)) {
            for (String writer : of(writers, place)) {
                if (reported.add(writer)) {
                    report(writer, reader, input);
                }
            }
        }
    }

    private void report(String writer, Graph.Node reader, String input) {
        Graph.Node node = Objects.requireNonNull(nodes.get(writer));
        String relation = node.inputs().contains(input) ? "its input" : "which shares memory with its input";
        problems.add(
                KernelProblems.IN_PLACE_CONFLICT,
                "Node '%s' (%s) has inplace = true, and the later node '%s' (%s) reads '%s', %s: in PyTorch it would see what '%s' wrote there, while here nothing is overwritten. Leave inplace out if '%s' shall see the numbers as they were, or let it read '%s'."
                        .formatted(
                                writer,
                                node.module().type(),
                                reader.name(),
                                reader.module().type(),
                                input,
                                relation,
                                writer,
                                reader.name(),
                                writer));
    }

    private static Set<String> of(Map<String, Set<String>> map, String key) {
        return map.getOrDefault(key, Set.of());
    }
}
