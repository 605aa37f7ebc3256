// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/** A parameter or buffer that a model file of another format holds. May be read by several threads. */
public interface ModelTensor {

    /** The full name, such as {@code fc.weight}. */
    String name();

    /** The type of its elements. */
    DType type();

    /** The shape. */
    Shape shape();

    /**
     * Reads {@code count} elements, from position {@code from} of the row-major order on.
     *
     * @throws io.backpack4j.spi.BackpackException if the file cannot be read
     */
    void read(long from, double[] destination, int count);
}
