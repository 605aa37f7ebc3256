// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * What random numbers depend on, beside the sample and the position in it.
 *
 * @param seed the user's seed
 * @param stream who draws: different streams are independent
 * @param draw the number of the draw within the stream
 */
public record RandomKey(long seed, long stream, int draw) {

    /** The same seed and draw, another stream, named. */
    public RandomKey stream(String name) {
        long hash = 0xCBF29CE484222325L;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001B3L;
        }
        return new RandomKey(seed, stream * 31 + hash, draw);
    }

    /** The same seed and stream, another draw. */
    public RandomKey draw(int number) {
        return new RandomKey(seed, stream, number);
    }
}
