// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.testkit.Randomness;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The parts that stand for all have everything that any part has. */
class SplittingTest {

    private static long[] walked(int... kinds) {
        return new Splitting(1, 1).ofSomeParts().parts(kinds.length, part -> kinds[(int) part]);
    }

    @Test
    void aSmallerLastPartHasTheThirdFullOneWalkedToo() {
        assertThat(walked(2, 2, 2, 1)).containsExactly(0, 1, 2, 3);
        assertThat(walked(2, 2, 2, 2)).containsExactly(0, 1, 3);
        assertThat(walked(2, 2, 2, 2, 2, 2, 1)).containsExactly(0, 1, 5, 6);
        assertThat(walked(2, 2, 1)).containsExactly(0, 1, 2);
        assertThat(walked(0, 0, 7, 0, 0, 7, 0, 7, 7, 0)).containsExactly(0, 1, 2, 5, 8, 9);
    }

    @Test
    void withoutSamplingAllAreWalked() {
        assertThat(new Splitting(2, 1).chunks(9)).containsExactly(0, 1, 2, 3, 4);
        assertThat(new Splitting(2, 1).ofSomeParts().chunks(9)).containsExactly(0, 1, 3, 4);
    }

    /** A part finds what is there after none, after one, or after several parts. */
    private record Situation(int kind, int before) {}

    @Test
    void everySituationOfAnyPartIsOneOfAWalkedPart() {
        Random random = Randomness.of("SplittingTest");
        for (int i = 0; i < 2000; i++) {
            int kinds = 1 + random.nextInt(4);
            int[] parts = IntStream.range(0, random.nextInt(25))
                    .map(part -> random.nextInt(kinds))
                    .toArray();
            Set<Situation> all = new HashSet<>();
            for (int part = 0; part < parts.length; part++) {
                all.add(new Situation(parts[part], Math.min(2, part)));
            }
            Set<Situation> seen = new HashSet<>();
            int before = 0;
            long[] walked = walked(parts);
            for (long part : walked) {
                seen.add(new Situation(parts[(int) part], Math.min(2, before++)));
            }
            assertThat(seen).isEqualTo(all);
            assertThat(walked.length).isLessThanOrEqualTo(Math.max(3, 3 * kinds));
            if (parts.length > 0) {
                assertThat(walked[walked.length - 1]).isEqualTo(parts.length - 1);
            }
        }
    }
}
