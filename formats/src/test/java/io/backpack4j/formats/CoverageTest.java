// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CoverageTest {

    @Test
    void countsWhatASetWouldCount() {
        Random random = new Random(1);
        for (int round = 0; round < 200; round++) {
            Coverage coverage = new Coverage();
            BitSet expected = new BitSet();
            for (int i = 0; i < 30; i++) {
                int from = random.nextInt(100);
                int to = from + random.nextInt(10);
                coverage.add(from, to);
                expected.set(from, to);
                assertThat(coverage.elements()).isEqualTo(expected.cardinality());
            }
        }
    }
}
