// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.NodeReduction;
import io.backpack4j.spi.extension.ObservedNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A node whose outputs extensions observe.
 *
 * @param node the node as extensions see it
 * @param wanted what each of them wants of it, by its own keys
 */
public record NodeLayout(ObservedNode node, Map<Request<?>, Map<String, NodeReduction>> wanted) {

    /** Asks all extensions at all nodes; nodes that nobody observes are left out. */
    static List<NodeLayout> of(Collection<BoundNode> nodes, Collection<Request<?>> requests) {
        List<NodeLayout> observed = new ArrayList<>();
        for (BoundNode node : nodes) {
            Map<Request<?>, Map<String, NodeReduction>> wanted = new LinkedHashMap<>();
            for (Request<?> request : requests) {
                Map<String, NodeReduction> own = wanted(request, node);
                if (!own.isEmpty()) {
                    wanted.put(request, own);
                }
            }
            if (!wanted.isEmpty()) {
                observed.add(new NodeLayout(seen(node), wanted));
            }
        }
        return observed;
    }

    /** Whether a request observes a node. */
    public static boolean observes(Request<?> request, BoundNode node) {
        return !wanted(request, node).isEmpty();
    }

    private static Map<String, NodeReduction> wanted(Request<?> request, BoundNode node) {
        Extension<?> extension = request.extension();
        return PluginCalls.call(
                Part.of(extension), "as it looked at " + node.described(), () -> extension.observe(seen(node)));
    }

    private static ObservedNode seen(BoundNode node) {
        return new ObservedNode(
                node.node().name(), node.node().module(), node.declaration().output());
    }

    /**
     * The reduction that a request wants under a key of its own.
     *
     * @throws BackpackException if it wants none
     */
    public NodeKey key(Request<?> request, String key) {
        Map<String, NodeReduction> own = wanted.getOrDefault(request, Map.of());
        NodeReduction reduction = own.get(key);
        if (reduction == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_PARTIAL,
                    "Extension %s observes no '%s' of node '%s'. It observes: %s."
                            .formatted(request.extension().type(), key, node.name(), own.keySet()));
        }
        return new NodeKey(node.name(), reduction);
    }

    /** All reductions of the node's outputs, each once. */
    public Set<NodeKey> keys() {
        return wanted.values().stream()
                .flatMap(own -> own.values().stream())
                .map(reduction -> new NodeKey(node.name(), reduction))
                .collect(Collectors.toUnmodifiableSet());
    }
}
