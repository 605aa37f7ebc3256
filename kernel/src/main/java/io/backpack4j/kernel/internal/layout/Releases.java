// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Times at which the outputs of nodes are let go of on the way forward. */
final class Releases {

    private Releases() {}

    /** Lists, per node, the nodes whose outputs nobody needs once it is evaluated. */
    static List<List<Integer>> of(BoundGraph graph, List<StageLayout> stages) {
        int count = graph.nodes().size();
        boolean[] reached = new boolean[count];
        for (StageLayout stage : stages) {
            for (SignalLayout layout : stage.signals()) {
                for (int node = 0; node < count; node++) {
                    reached[node] |= layout.reaches()[node];
                }
            }
        }
        boolean[] kept = new boolean[count];
        Map<Integer, Integer> lastReader = new HashMap<>();
        kept[graph.output()] = true;
        for (BoundNode node : graph.nodes()) {
            kept[node.index()] |= reached[node.index()] && node.declaration().retainsOutput();
            for (BoundNode.Source source : node.inputs()) {
                if (source.fromNode()) {
                    lastReader.put(source.index(), node.index());
                    kept[source.index()] |=
                            reached[node.index()] && node.declaration().retainsInputs();
                }
            }
        }
        List<List<Integer>> released = new ArrayList<>();
        for (int node = 0; node < count; node++) {
            released.add(new ArrayList<>());
        }
        lastReader.forEach((value, reader) -> {
            if (!kept[value]) {
                released.get(reader).add(value);
            }
        });
        return released;
    }
}
