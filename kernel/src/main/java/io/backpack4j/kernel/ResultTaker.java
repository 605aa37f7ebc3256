// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/**
 * Takes results of a pass part by part, as they are ready, so that results of single samples may be larger than memory.
 * Called by the thread that runs the pass. What it throws ends the pass.
 */
public interface ResultTaker {

    /**
     * Takes a part of a result. The parts of a result cover it, without overlap, in no particular order.
     *
     * @param name the result's, such as {@code 0.weight/grad_batch}
     * @param whole its whole shape, {@code [N, …]} or {@code [V, N, …]}
     * @param origin where the part begins on the axes in front, as many as there are numbers; it is complete on the
     *     others
     * @param part the numbers; closes after the call
     */
    void take(String name, Shape whole, long[] origin, Tensor part);
}
