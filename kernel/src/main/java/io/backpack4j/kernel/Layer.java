// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/**
 * A node of a model with its shapes; a composition is one per part, named {@code <node>.<part>}.
 *
 * @param name the node's name
 * @param type the module's type
 * @param inputs the shapes of one sample's inputs
 * @param output the shape of one sample's output
 * @param tensors its parameters and buffers, those of other nodes that it uses among them
 */
public record Layer(String name, String type, List<Shape> inputs, Shape output, List<LayerTensor> tensors) {

    /** Copies the lists. */
    public Layer {
        inputs = List.copyOf(inputs);
        tensors = List.copyOf(tensors);
    }

    /** Elements of the parameters that are this node's own, trained or frozen. */
    public long parameterElements() {
        return tensors.stream()
                .filter(tensor -> tensor.role() == Role.TRAINED || tensor.role() == Role.FROZEN)
                .mapToLong(tensor -> tensor.shape().elements())
                .sum();
    }

    /**
     * A parameter or a buffer.
     *
     * @param name its name within the node
     * @param owner the full name of the network's parameter; another node's if it is tied
     * @param shape its shape
     * @param role what it is
     */
    public record LayerTensor(String name, String owner, Shape shape, Role role) {}

    /** What a tensor of a node is. */
    public enum Role {
        /** A parameter that derivatives are taken by. */
        TRAINED,
        /** A parameter that stays. */
        FROZEN,
        /** A parameter, or rows of it, that a node before has. */
        TIED,
        /** No parameter, such as a running mean. */
        BUFFER
    }
}
