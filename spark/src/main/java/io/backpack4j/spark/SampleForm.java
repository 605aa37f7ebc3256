// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.tensor.DType;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * What a sample of a model is.
 *
 * @param dtype the model's type
 * @param inputs the inputs, in the model's order
 * @param target the target
 */
record SampleForm(DType dtype, List<Part> inputs, Part target) implements Serializable {

    /**
     * An input or the target.
     *
     * @param name for batches and messages
     * @param sizes of one sample's axes
     * @param integers whether it holds whole numbers
     */
    record Part(String name, long[] sizes, boolean integers) implements Serializable {

        /** Number of a sample's numbers. */
        int elements() {
            return Math.toIntExact(Arrays.stream(sizes).reduce(1, Math::multiplyExact));
        }
    }
}
