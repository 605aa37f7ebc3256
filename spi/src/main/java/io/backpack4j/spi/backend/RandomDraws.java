// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableRandomDraws;
import io.backpack4j.spi.tensor.Tensor;

/**
 * Random draws, each from {@link CounterRandom}: the same numbers on every backend, up to the rounding of the
 * distribution's formula.
 */
public interface RandomDraws {

    /**
     * destination = uniform numbers in [0, 1).
     *
     * @param sampleIds the ids of the N samples
     * @param destination {@code [N, *]}
     */
    void uniform(RandomKey key, long[] sampleIds, Tensor destination);

    /**
     * A part of such numbers: destination[n, i] is what {@link #uniform(RandomKey, long[], Tensor)} draws at position
     * {@code first} + i of sample n.
     *
     * @param destination {@code [N, *]}, with positions below 2³²
     */
    default void uniform(RandomKey key, long[] sampleIds, long first, Tensor destination) {
        PortableRandomDraws.uniformFrom(key, sampleIds, first, destination);
    }

    /** destination = independent standard normal numbers, by Box and Muller; shapes as in {@link #uniform}. */
    void normal(RandomKey key, long[] sampleIds, Tensor destination);

    /**
     * Draws one class per sample and position: the first class whose cumulated probability exceeds a uniform number.
     * Cumulated and compared in double precision.
     *
     * @param probabilities {@code [N, C, *]}, summing to one over C
     * @param destination {@code [N, *]}, {@code INT64}
     */
    void categorical(RandomKey key, long[] sampleIds, Tensor probabilities, Tensor destination);
}
