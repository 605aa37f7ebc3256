// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Losses of characters, by hand. */
class SurprisesTest {

    /** Two samples of two places; of the classes a, b, c the logits are logarithms of probabilities, shifted by 7. */
    private static final double[][][] PROBABILITIES = {
        {{0.5, 0.1}, {0.25, 0.1}, {0.25, 0.8}}, {{0.2, 0.3}, {0.2, 0.3}, {0.6, 0.4}},
    };

    private final Surprises surprises = Surprises.of(List.of("ab", "ba"), List.of("bb", "ac"), "abc", output());

    private static Tensor output() {
        Tensor tensor = mock(Tensor.class);
        when(tensor.shape()).thenReturn(Shape.of(2, 3, 2));
        doAnswer(call -> {
                    long from = call.getArgument(0);
                    double[] target = call.getArgument(1);
                    for (int i = 0; i < (int) call.getArgument(3); i++) {
                        int element = (int) from + i;
                        target[i] = 7 + Math.log(PROBABILITIES[element / 6][element / 2 % 3][element % 2]);
                    }
                    return null;
                })
                .when(tensor)
                .read(anyLong(), any(double[].class), anyInt(), anyInt());
        return tensor;
    }

    @Test
    void losses_are_those_of_the_targets() {
        double expected = -(Math.log(0.25) + Math.log(0.1) + Math.log(0.2) + Math.log(0.4)) / 4;
        assertThat(surprises.mean()).isCloseTo(expected, within(1e-3));
        assertThat(surprises.passages()).extracting(Surprises.Passage::text).containsExactly("bb", "ac");
        assertThat(surprises.passages().get(1).losses()[1]).isCloseTo(-Math.log(0.4), within(1e-3));
    }

    @Test
    void the_most_surprising_come_first() {
        assertThat(surprises.surprising())
                .extracting(
                        Surprises.Surprise::index,
                        Surprises.Surprise::before,
                        Surprises.Surprise::character,
                        Surprises.Surprise::probability,
                        Surprises.Surprise::expected,
                        Surprises.Surprise::expectedProbability)
                .containsExactly(
                        tuple(0, "ab", "b", 0.1, "c", 0.8),
                        tuple(1, "b", "a", 0.2, "c", 0.6),
                        tuple(0, "a", "b", 0.25, "a", 0.5),
                        tuple(1, "ba", "c", 0.4, "c", 0.4));
    }

    @Test
    void characters_have_means() {
        assertThat(surprises.characters())
                .extracting(Surprises.CharacterMean::character)
                .containsExactly("b", "a", "c");
        assertThat(surprises.characters().get(0).count()).isEqualTo(2);
        assertThat(surprises.characters().get(0).mean()).isCloseTo(-(Math.log(0.25) + Math.log(0.1)) / 2, within(1e-3));
    }
}
