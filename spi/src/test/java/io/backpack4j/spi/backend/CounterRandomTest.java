// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CounterRandomTest {

    private static final long WEYL = 0x9E3779B97F4A7C15L;

    /** The first two words of philox4x32-10 in Random123's file kat_vectors. */
    @ParameterizedTest
    @CsvSource({
        "00000000, 00000000, 0000000000000000, 0000000000000000, 6627e8d5e169c58d",
        "ffffffff, ffffffff, ffffffffffffffff, ffffffffffffffff, 408f276d41c83b0e",
        "243f6a88, 85a308d3, 0370734413198a2e, 299f31d0a4093822, d16cfe0994fdcceb"
    })
    void bitsArePhiloxes(String position, String draw, String sample, String philoxKey, String expected) {
        long seed = unmix(Long.parseUnsignedLong(philoxKey, 16));
        RandomKey key = new RandomKey(seed, 0, Integer.parseUnsignedInt(draw, 16));

        long bits = CounterRandom.bits(key, Long.parseUnsignedLong(sample, 16), Long.parseUnsignedLong(position, 16));

        assertThat(Long.toHexString(bits)).isEqualTo(expected);
    }

    @Test
    void streamsAreKeysOfTheirOwn() {
        RandomKey streamed = new RandomKey(5, 3, 0);
        RandomKey seeded = new RandomKey(5 + WEYL * streamed.stream(), 0, 0);

        assertThat(CounterRandom.bits(streamed, 1, 2)).isEqualTo(CounterRandom.bits(seeded, 1, 2));
        assertThat(streamed.stream("a")).isEqualTo(streamed.stream("a")).isNotEqualTo(streamed.stream("b"));
        assertThat(streamed.stream("a").stream("b")).isNotEqualTo(streamed.stream("b").stream("a"));
        assertThat(streamed.draw(7)).isEqualTo(new RandomKey(5, 3, 7));
    }

    @Test
    void everyCoordinateMatters() {
        Set<Long> seen = new HashSet<>();
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                for (int k = 0; k < 4; k++) {
                    for (int l = 0; l < 4; l++) {
                        seen.add(CounterRandom.bits(new RandomKey(i, 0, j), k, l));
                    }
                }
            }
        }
        assertThat(seen).hasSize(256);
    }

    @Test
    void uniformNumbersAreEvenlySpread() {
        int count = 100_000;
        double sum = 0;
        double squares = 0;
        int[] bins = new int[10];
        for (int i = 0; i < count; i++) {
            double u = CounterRandom.uniform(new RandomKey(1, 2, 3), i, 0);
            assertThat(u).isGreaterThanOrEqualTo(0).isLessThan(1);
            sum += u;
            squares += u * u;
            bins[(int) (10 * u)]++;
        }
        assertThat(sum / count).isBetween(0.495, 0.505);
        assertThat(squares / count).isBetween(1 / 3.0 - 0.005, 1 / 3.0 + 0.005);
        assertThat(Arrays.stream(bins)).allMatch(bin -> bin > 9_500 && bin < 10_500);
    }

    /** The seed that the generator's mixing turns into a key: every step of SplitMix64's finaliser, backwards. */
    private static long unmix(long key) {
        long z = key ^ (key >>> 31) ^ (key >>> 62);
        z *= inverse(0x94D049BB133111EBL);
        z = z ^ (z >>> 27) ^ (z >>> 54);
        z *= inverse(0xBF58476D1CE4E5B9L);
        return z ^ (z >>> 30) ^ (z >>> 60);
    }

    /** The inverse modulo 2⁶⁴ of an odd number, by Newton's iteration. */
    private static long inverse(long odd) {
        long inverse = odd;
        for (int i = 0; i < 6; i++) {
            inverse *= 2 - odd * inverse;
        }
        return inverse;
    }
}
