// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.spi.BackpackException;
import java.io.Serializable;

/**
 * Reads samples of whatever Spark holds them in.
 *
 * @param <T> what it holds them in
 */
interface SampleReader<T> extends Serializable {

    /** The id of a sample that says one; else the number given. */
    long id(T sample, long number);

    /**
     * Reads a sample behind those of a batch that is not full.
     *
     * @param number the sample's id if it says none
     * @throws BackpackException with the sample's id, if a number is missing or does not fit
     */
    void read(T sample, long number, BatchArrays batch);
}
