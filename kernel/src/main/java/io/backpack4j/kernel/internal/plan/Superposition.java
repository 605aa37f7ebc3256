// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.Shape;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Region in which the columns of a root may travel with all positions on top of each other: as long as every node on
 * every way from the loss treats positions on its own. There, squares of the root's S·C columns are squares over
 * positions of C columns.
 */
final class Superposition {

    /** The nodes that are reached by positions on their own and treat them so. */
    private final Set<Integer> nodes;

    private Superposition(Set<Integer> nodes) {
        this.nodes = nodes;
    }

    static Superposition of(BoundGraph graph, Loss loss, long samples) {
        List<Integer> atLoss = loss.positionAxes(graph.outputShape().prepend(samples));
        long positions = atLoss.stream()
                .mapToLong(axis -> graph.outputShape().size(axis))
                .reduce(1, Math::multiplyExact);
        Set<Integer> nodes = new HashSet<>();
        if (positions > 1) {
            // The axes of a node's output that hold positions; none if some way from the loss mixes them.
            Map<Integer, List<Integer>> axes = new HashMap<>(Map.of(graph.output(), atLoss));
            for (int index = graph.output(); index >= 0; index--) {
                BoundNode node = graph.nodes().get(index);
                List<Integer> ofOutput = axes.get(index);
                if (ofOutput != null) {
                    List<Integer> ofInputs = ofOutput.isEmpty() ? List.of() : ofInputs(graph, node, ofOutput);
                    if (!ofInputs.isEmpty()) {
                        nodes.add(index);
                    }
                    for (BoundNode.Source source : node.inputs()) {
                        if (source.fromNode()) {
                            axes.merge(source.index(), ofInputs, (a, b) -> a.equals(b) ? a : List.of());
                        }
                    }
                }
            }
        }
        return new Superposition(nodes);
    }

    private static List<Integer> ofInputs(BoundGraph graph, BoundNode node, List<Integer> ofOutput) {
        List<Shape> inputs = node.inputs().stream().map(graph::shape).toList();
        List<Integer> axes = node.node().module().positionAxes(ofOutput, inputs).orElse(List.of());
        if (!axes.isEmpty()) {
            List<Long> sizes = sizes(node.declaration().output(), ofOutput);
            for (Shape input : inputs) {
                boolean inside = axes.stream().allMatch(axis -> axis >= 0 && axis < input.rank());
                if (!inside || !sizes(input, axes).equals(sizes)) {
                    throw new BackpackException(
                            KernelProblems.PLUGIN_FAILURE,
                            "%s says that axes %s of an input of shape %s hold the positions of axes %s of its output of shape %s, whose sizes are others."
                                    .formatted(
                                            node.described(),
                                            axes,
                                            input,
                                            ofOutput,
                                            node.declaration().output()));
                }
            }
        }
        return axes;
    }

    private static List<Long> sizes(Shape shape, List<Integer> axes) {
        return axes.stream().map(shape::size).toList();
    }

    /**
     * Replaces the columns that a request wants at a site by superposed ones where they do the same. Several uses of an
     * element add up at every position before they are squared, so a tied parameter keeps its columns.
     */
    SiteRequest applied(SiteRequest request, List<BoundGraph.Use> uses) {
        if (BoundGraph.Use.areTied(uses) || !uses.stream().allMatch(use -> nodes.contains(use.node()))) {
            return request;
        }
        Map<String, AccumulatorKey> accumulated = new LinkedHashMap<>();
        request.accumulated().forEach((name, key) -> accumulated.put(name, superposed(key)));
        return request.withAccumulated(accumulated);
    }

    private static AccumulatorKey superposed(AccumulatorKey key) {
        return key.contraction()
                .overPositions()
                .filter(contraction -> key.signal() instanceof LossHessianRoot)
                .map(contraction ->
                        new AccumulatorKey(key.stage(), new PlannedRoot(PlannedRoot.Choice.SUPERPOSED), contraction))
                .orElse(key);
    }
}
