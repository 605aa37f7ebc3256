// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;

/** Gives every pass of an instance a seed of its own. Safe for threads. */
public final class PassSeeds {

    /**
     * The odd number next to 2⁶⁴ divided by the golden ratio: multiples of it lie far apart (Steele, Lea, Flood: Fast
     * splittable random number generators).
     */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private final long seed;
    private final AtomicLong passes = new AtomicLong();

    /** Starts at pass 0. */
    public PassSeeds(long seed) {
        this.seed = seed;
    }

    /** The number of passes so far. */
    public long passes() {
        return passes.get();
    }

    /** Sets the number of passes so far. */
    public void setPasses(long count) {
        if (count < 0) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The number of passes is %d, but must be at least 0.".formatted(count));
        }
        passes.set(count);
    }

    /**
     * Runs a pass with the next seed. One that fails gives its number back, unless another pass has begun meanwhile.
     */
    public <T> T next(LongFunction<T> pass) {
        long number = passes.getAndIncrement();
        boolean done = false;
        try {
            T result = pass.apply(mix(seed, number));
            done = true;
            return result;
        } finally {
            if (!done) {
                passes.compareAndSet(number + 1, number);
            }
        }
    }

    /** The seed of pass k: the instance's for k = 0, and different for different k. */
    static long mix(long seed, long k) {
        if (k == 0) {
            return seed;
        }
        long bits = seed + k * GOLDEN;
        bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
        return bits ^ (bits >>> 31);
    }
}
