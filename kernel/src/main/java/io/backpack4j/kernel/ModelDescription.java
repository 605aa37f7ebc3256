package io.backpack4j.kernel;

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

    /** Whether there is a loss. */
    public boolean hasLoss() {
        return !loss.equals(LossDescription.NONE);
    }
}
