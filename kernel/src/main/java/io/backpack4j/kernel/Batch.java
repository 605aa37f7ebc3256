// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * Inputs and, where a loss is asked for, targets of some samples, on a backend. Owns its tensors; serves any number of
 * passes.
 */
public interface Batch extends AutoCloseable {

    /** The inputs by name, each {@code [N, *in]}. */
    Map<String, Tensor> inputs();

    /**
     * The targets, {@code [N, *]}.
     *
     * @throws io.backpack4j.spi.BackpackException {@code [MissingTargets]} if it has none
     */
    Tensor targets();

    /** Whether it has targets; those that predictions are made for need none. */
    default boolean hasTargets() {
        return true;
    }

    /**
     * The samples' ids: random draws are keyed by them, so different batches of one data set should have different
     * ones.
     */
    long[] sampleIds();

    /** N. */
    default long samples() {
        return sampleIds().length;
    }

    /** Returns the memory. */
    @Override
    void close();
}
