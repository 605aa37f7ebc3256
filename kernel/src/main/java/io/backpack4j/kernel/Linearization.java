// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * A network and its loss at a batch, as a source of products: with the Jacobian of the outputs by the parameters, its
 * transpose, and curvature matrices, none of which is ever made. Tangents and destinations stand under the full names
 * of trained parameters; a parameter that is not among the tangents stands still, one that is not among the
 * destinations is not computed.
 *
 * <p>Lives at most as long as the model and its numbers; these must not change meanwhile. Used by one thread at a time.
 * Close it when done.
 */
@Experimental
public interface Linearization extends AutoCloseable {

    /** The trained parameters with their shapes, in the network's order. */
    Map<String, Shape> parameters();

    /** The shape {@code [N, *out]} of the network's output for the batch. */
    Shape outputShape();

    /** The element type. */
    DType dtype();

    /** The factor c of the loss for this batch. */
    double normaliser();

    /**
     * The Jacobian product.
     *
     * @param tangents {@code [V, *p]} each
     * @param destination {@code [V, N, *out]}, overwritten
     */
    void pushforward(Map<String, Tensor> tangents, Tensor destination);

    /**
     * The transposed Jacobian product, summed over the samples.
     *
     * @param cotangents {@code [V, N, *out]}
     * @param destinations {@code [V, *p]} each; added to
     */
    void pullback(Tensor cotangents, Map<String, Tensor> destinations);

    /**
     * The product with a curvature matrix: destinations = destinations + scale · matrix · tangents.
     *
     * @param matrix one of those that the linearisation was made for
     * @param tangents {@code [V, *p]} each
     * @param destinations {@code [V, *p]} each
     * @throws BackpackException if something does not fit
     */
    void multiply(CurvatureMatrix matrix, double scale, Map<String, Tensor> tangents, Map<String, Tensor> destinations);

    /** Returns the memory. */
    @Override
    void close();
}
