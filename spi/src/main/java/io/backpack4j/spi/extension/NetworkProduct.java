// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/**
 * Products of vectors in the space of several parameters with a curvature matrix of a whole network at a whole batch,
 * such as H v for the Hessian H of the reduced loss. Belongs to the thread that runs the pass.
 */
public interface NetworkProduct {

    /** The shapes {@code *p} of all trained parameters by full name, in the order of the network. */
    Map<String, Shape> parameters();

    /**
     * Multiplies with the block of the matrix that belongs to some parameters: all of them give the matrix itself,
     * fewer one of its principal blocks, with everything that the parameters have in common.
     *
     * @param scope where the products are allocated
     * @param vectors by parameter, {@code [V, *p]} of the model's type, the same V for all
     * @return matrix · vectors, of the same parameters and shapes
     * @throws BackpackException if names, shapes or types do not fit
     */
    Map<String, Tensor> multiply(TensorScope scope, Map<String, Tensor> vectors);
}
