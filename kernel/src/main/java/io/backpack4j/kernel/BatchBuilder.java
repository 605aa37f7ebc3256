// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.Shape;

/** Collects the parts of a batch. */
public interface BatchBuilder {

    /** Adds an input, {@code [N, *in]}, row-major. */
    BatchBuilder input(String name, Shape shape, float[] values);

    /** Adds an input, {@code [N, *in]}, row-major. */
    BatchBuilder input(String name, Shape shape, double[] values);

    /** Adds an input of integers, {@code [N, *in]}, row-major. */
    BatchBuilder input(String name, Shape shape, long[] values);

    /** Sets class indices, {@code [N, *]}, row-major. */
    BatchBuilder targets(Shape shape, long[] values);

    /** Sets real targets, {@code [N, *]}, row-major. */
    BatchBuilder targets(Shape shape, double[] values);

    /** Sets the ids of the samples; 0, 1, … if not set. */
    BatchBuilder sampleIds(long... ids);

    /** Checks that everything has N samples, and builds the batch. Without targets, it is one for predictions. */
    Batch build();
}
