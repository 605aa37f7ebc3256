// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.ModeOptions;
import io.backpack4j.kernel.Patterns;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Puts the modules of a graph, and the parts of its compositions, into the modes of a pass. Belongs to one binding. */
final class NodeModes {

    private final ModeOptions options;
    private final Set<ModeOptions.OfNodes> matched = new HashSet<>();
    private final Map<String, Mode> ofCompositions = new HashMap<>();

    NodeModes(ModeOptions options) {
        this.options = options;
    }

    /** Whether all modules stay as they are, whatever the graph. */
    static boolean changeNothing(ModeOptions options) {
        return options.mode().isEmpty()
                && options.nodes().isEmpty()
                && options.statistics() == BatchStatistics.DIFFERENTIATED;
    }

    /**
     * A node's module in its mode; the module itself if nothing is said. A composition comes before its parts, which
     * have its mode if a pattern names it.
     *
     * @param name the node's full name
     */
    Module applied(String name, Module module) {
        Optional<Mode> own = named(name);
        if (module instanceof Composition) {
            own.ifPresent(mode -> ofCompositions.put(name, mode));
        }
        Optional<Mode> mode = own.or(() -> ofComposition(name)).or(options::mode);
        boolean constant = options.statistics() == BatchStatistics.CONSTANT;
        return PluginCalls.call(Part.of(name, module), "as it took its mode", () -> {
            Module inMode = mode.isPresent() ? module.inMode(mode.get()) : module;
            return constant ? inMode.withConstantStatistics() : inMode;
        });
    }

    private Optional<Mode> named(String name) {
        Optional<Mode> last = Optional.empty();
        for (ModeOptions.OfNodes nodes : options.nodes()) {
            if (Patterns.matches(nodes.pattern(), name)) {
                matched.add(nodes);
                last = Optional.of(nodes.mode());
            }
        }
        return last;
    }

    /** Finds the mode of the innermost composition around a part. */
    private Optional<Mode> ofComposition(String name) {
        for (int dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
            Mode mode = ofCompositions.get(name.substring(0, dot));
            if (mode != null) {
                return Optional.of(mode);
            }
        }
        return Optional.empty();
    }

    /**
     * Requires that every pattern has matched a node.
     *
     * @throws BackpackException if one has not
     */
    void requireMatches(Graph graph) {
        for (ModeOptions.OfNodes named : options.nodes()) {
            if (!matched.contains(named)) {
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
