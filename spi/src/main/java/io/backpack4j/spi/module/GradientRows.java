// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Tensor;

/**
 * All per-sample gradients, some rows of each at a time: a gradient is seen as a matrix {@code [R, P/R]} in the
 * parameter's own order. What is a sum over the elements of gradients, as inner products are, can be added up over
 * rows, of which those of all samples and columns fit into memory.
 */
public interface GradientRows {

    /** R; the same for all derivatives of a parameter. */
    long count();

    /**
     * Writes rows.
     *
     * @param from the first
     * @param to the row behind the last
     * @param destination {@code [V·N, to − from, P/R]}, overwritten
     */
    void write(long from, long to, Tensor destination);
}
