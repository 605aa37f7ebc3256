// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/**
 * A network, with a loss unless it only predicts, and its parameters' numbers on a backend. Owns the numbers.
 * {@code toString} is a table of its nodes, with what they make of one sample, their parameters, and how many numbers
 * these are.
 *
 * <pre>{@code
 * try (Model model = backpack.model(graph, loss, DType.FLOAT64, Shape.of(784))) {
 *     model.parameters().set("0.weight", weights);
 *     String table = model.toString();
 * }
 * }</pre>
 */
public interface Model extends AutoCloseable {

    /** The network. */
    Graph graph();

    /**
     * The loss.
     *
     * @throws io.backpack4j.spi.BackpackException {@code [MissingLoss]} if it has none
     */
    Loss loss();

    /** Whether it has a loss; predictions need none. */
    default boolean hasLoss() {
        return true;
    }

    /** The element type of parameters, inputs and results. */
    DType dtype();

    /** The shapes of one sample's inputs for which it was made. */
    List<Shape> inputShapes();

    /** The shape of one sample's output. */
    Shape outputShape();

    /** The nodes with their shapes, in the order of the network. */
    List<Layer> layers();

    /** The numbers. */
    Parameters parameters();

    /** The network and the loss as data, which a model file holds. */
    default ModelDescription description() {
        return ModelDescription.of(graph(), loss());
    }

    /** Returns the parameters' memory. */
    @Override
    void close();
}
