// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Module;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A model as data, as a model file holds it.
 *
 * @param nodes the nodes, each after those whose outputs it takes
 * @param inputs the names of the model's inputs; empty means one, named as {@link Graph#INPUT}
 * @param output the name of the node whose output the loss takes; empty means the last
 * @param loss the loss; {@link LossDescription#NONE} for a model that only predicts
 */
public record ModelDescription(
        List<NodeDescription> nodes, List<String> inputs, Optional<String> output, LossDescription loss) {

    public ModelDescription {
        nodes = List.copyOf(nodes);
        inputs = inputs.isEmpty() ? List.of(Graph.INPUT) : List.copyOf(inputs);
    }

    /**
     * Describes a network that was put together in Java, so that it can be written to a file.
     *
     * @throws io.backpack4j.spi.BackpackException if a module or the loss does not say its arguments
     */
    public static ModelDescription of(Graph graph, Loss loss) {
        List<NodeDescription> nodes = new ArrayList<>();
        for (Graph.Node node : graph.nodes()) {
            Module module = node.module();
            nodes.add(new NodeDescription(
                    node.name(), module.type(), module.arguments(), node.inputs(), node.frozen(), node.ties()));
        }
        LossDescription described = new LossDescription(loss.type(), loss.arguments());
        return new ModelDescription(nodes, graph.inputs(), Optional.of(graph.output()), described);
    }

    /** Whether there is a loss. */
    public boolean hasLoss() {
        return !loss.equals(LossDescription.NONE);
    }
}
