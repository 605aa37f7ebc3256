// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit;

import java.util.Random;
import java.util.stream.DoubleStream;

/**
 * Seeds of randomised tests, which are printed: {@code -Dbackpack.test.seed=…} gives one back. Tests that draw other
 * numbers in every run take {@link #of}, those that draw the same ones until they are told otherwise {@link #seed}.
 */
public final class Randomness {

    private static final String PROPERTY = "backpack.test.seed";

    private Randomness() {}

    /** Draws a seed at the first use. */
    private static final class Drawn {

        private static final long SEED = seed(System.nanoTime());
    }

    /**
     * The seed that was given.
     *
     * @param usual taken if none was
     */
    public static long seed(long usual) {
        long seed = Long.getLong(PROPERTY, usual);
        String test = StackWalker.getInstance()
                .walk(frames -> frames.map(StackWalker.StackFrame::getClassName)
                        .filter(name -> !name.startsWith(Randomness.class.getName()))
                        .findFirst())
                .orElse("");
        System.getLogger(Randomness.class.getName())
                .log(System.Logger.Level.INFO, test + " draws at random: -D" + PROPERTY + "=" + seed);
        return seed;
    }

    /** A generator for a test; equal names and seeds make equal numbers. */
    public static Random of(String test) {
        return new Random(Drawn.SEED * 31 + test.hashCode());
    }

    /** Independent standard normal numbers. */
    public static double[] normal(Random random, long count) {
        return DoubleStream.generate(random::nextGaussian).limit(count).toArray();
    }
}
