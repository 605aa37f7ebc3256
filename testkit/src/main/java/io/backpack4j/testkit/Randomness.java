// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit;

import java.util.Random;
import java.util.stream.DoubleStream;

/** Numbers for randomised tests, from a seed that is printed: {@code -Dbackpack.test.seed=…} repeats a run. */
public final class Randomness {

    private static final String PROPERTY = "backpack.test.seed";

    private static final long SEED = Long.getLong(PROPERTY, System.nanoTime());

    static {
        System.getLogger(Randomness.class.getName())
                .log(System.Logger.Level.INFO, "Randomised tests: -D" + PROPERTY + "=" + SEED);
    }

    private Randomness() {}

    /** A generator for a test; equal names and seeds make equal numbers. */
    public static Random of(String test) {
        return new Random(SEED * 31 + test.hashCode());
    }

    /** Independent standard normal numbers. */
    public static double[] normal(Random random, long count) {
        return DoubleStream.generate(random::nextGaussian).limit(count).toArray();
    }
}
