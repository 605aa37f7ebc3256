// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Directions of random signs, of which inner products are kept in the mean: E ⟨R u, R v⟩ / K = ⟨u, v⟩ (D. Achlioptas,
 * 2003, "Database-friendly random projections"). A function of the seed.
 */
record Signs(long seed) {

    /** ±1 for an element of a parameter and direction k. */
    double sign(String parameter, long k, long element) {
        long bits = CounterRandom.bits(key(parameter), k, element / Long.SIZE);
        return (bits >>> (element % Long.SIZE) & 1) == 0 ? 1 : -1;
    }

    private RandomKey key(String parameter) {
        return new RandomKey(seed, 0, 0).stream("gradient store " + parameter);
    }

    /** Directions {@code [to - from, *p]}. */
    Tensor directions(
            Backend backend, TensorScope scope, DType dtype, String parameter, Shape shape, int from, int to) {
        RandomKey key = key(parameter);
        int elements = Math.toIntExact(shape.elements());
        double[] signs = new double[Math.multiplyExact(to - from, elements)];
        for (int k = from; k < to; k++) {
            long bits = 0;
            for (int i = 0; i < elements; i++) {
                if (i % Long.SIZE == 0) {
                    bits = CounterRandom.bits(key, k, i / Long.SIZE);
                }
                signs[(k - from) * elements + i] = (bits >>> (i % Long.SIZE) & 1) == 0 ? 1 : -1;
            }
        }
        return backend.upload(scope, shape.prepend(to - from), dtype, signs);
    }
}
