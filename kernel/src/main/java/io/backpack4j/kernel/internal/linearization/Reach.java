// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** Which nodes lead from parameters to the output. */
final class Reach {

    private Reach() {}

    /** Says of each node whether it or a node that feeds it uses one of the parameters. */
    static boolean[] of(BoundGraph graph, Set<String> parameters) {
        boolean[] reaches = new boolean[graph.nodes().size()];
        for (String parameter : parameters) {
            List<BoundGraph.Use> uses = Objects.requireNonNull(graph.uses().get(parameter));
            uses.forEach(use -> reaches[use.node()] = true);
        }
        for (BoundNode node : graph.nodes()) {
            for (BoundNode.Source source : node.inputs()) {
                reaches[node.index()] |= source.fromNode() && reaches[source.index()];
            }
        }
        return reaches;
    }
}
