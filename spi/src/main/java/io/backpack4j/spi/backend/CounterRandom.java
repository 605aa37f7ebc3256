// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * The counter-based random generator of this library: Philox4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw: Parallel
 * random numbers: as easy as 1, 2, 3; SC 2011). A number depends on (seed, stream, sample id, draw, position) and on
 * nothing else, so draws do not change with the order of work, the chunks of a batch, or the backend.
 */
public final class CounterRandom {

    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private CounterRandom() {}

    /**
     * A uniform number in [0, 1), a multiple of 2⁻⁵³.
     *
     * @param key seed, stream and draw
     * @param sample the sample's id
     * @param position the row-major position within the sample, below 2³²
     */
    public static double uniform(RandomKey key, long sample, long position) {
        return (bits(key, sample, position) >>> 11) * 0x1.0p-53;
    }

    /** 64 random bits; see {@link #uniform}. */
    public static long bits(RandomKey key, long sample, long position) {
        long mixed = mix(key.seed() + 0x9E3779B97F4A7C15L * key.stream());
        int key0 = (int) mixed;
        int key1 = (int) (mixed >>> 32);
        int c0 = (int) position;
        int c1 = key.draw();
        int c2 = (int) sample;
        int c3 = (int) (sample >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = Integer.toUnsignedLong(MULTIPLIER_0) * Integer.toUnsignedLong(c0);
            long product1 = Integer.toUnsignedLong(MULTIPLIER_1) * Integer.toUnsignedLong(c2);
            int next0 = (int) (product1 >>> 32) ^ c1 ^ key0;
            int next2 = (int) (product0 >>> 32) ^ c3 ^ key1;
            c1 = (int) product1;
            c3 = (int) product0;
            c0 = next0;
            c2 = next2;
            key0 += WEYL_0;
            key1 += WEYL_1;
        }
        return Integer.toUnsignedLong(c0) << 32 | Integer.toUnsignedLong(c1);
    }

    /** SplitMix64's finaliser (Steele, Lea, Flood 2014): spreads seed and stream over the whole key. */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
