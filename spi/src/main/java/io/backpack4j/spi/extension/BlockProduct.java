// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Products of vectors with the diagonal block of a parameter in a {@link CurvatureMatrix}: those of the whole network
 * with all other tangents zero. Lives as long as the results of the pass that made it, the model and the model's
 * numbers; belongs to the thread of the results.
 */
@Experimental
public interface BlockProduct {

    /** The parameter's shape, {@code *p}. */
    Shape parameter();

    /**
     * Multiplies.
     *
     * @param scope owns the result
     * @param vectors {@code [V, *p]}, for any V of at least 1
     * @return {@code [V, *p]}
     * @throws BackpackException if the vectors have another shape, type or backend, or the results were closed
     */
    Tensor multiply(TensorScope scope, Tensor vectors);
}
