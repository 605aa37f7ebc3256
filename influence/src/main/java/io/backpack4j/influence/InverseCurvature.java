// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/** (B + λI)⁻¹ of the loss over all training data. Used by one thread. */
interface InverseCurvature extends AutoCloseable {

    /**
     * (B + λI)⁻¹ · vectors.
     *
     * @param target owns the result
     * @param vectors {@code [K, *p]} by parameter
     */
    Map<String, Tensor> solve(TensorScope target, Map<String, Tensor> vectors);

    @Override
    void close();
}
