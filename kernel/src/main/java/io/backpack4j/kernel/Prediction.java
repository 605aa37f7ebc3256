// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.Tensor;

/** Output of a network for some inputs. Owns its tensor and outlives the batch; close it when done. */
public interface Prediction extends AutoCloseable {

    /** The network's output, {@code [N, *out]}. */
    Tensor output();

    /** Returns the memory. */
    @Override
    void close();
}
