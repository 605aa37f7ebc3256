// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static io.backpack4j.modules.linear.ModuleRunner.forward;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class DropoutTest {

    private static final RandomKey KEY = new RandomKey(1, 2, 3);
    private static final Shape WIDE = Shape.of(5000);

    @Test
    void dropsWithProbabilityP() {
        double[] output = forward(new Dropout(0.3), DType.FLOAT64, new long[] {7}, KEY, WIDE, ones(5000));

        long kept = Arrays.stream(output).filter(value -> value == 1 / 0.7).count();
        long dropped = Arrays.stream(output).filter(value -> value == 0).count();
        assertThat(kept + dropped).isEqualTo(5000);
        assertThat(dropped / 5000.0).isCloseTo(0.3, within(0.03));
    }

    @Test
    void samplesKeepTheirMasks() {
        Dropout dropout = new Dropout();
        double[] both = forward(dropout, DType.FLOAT64, new long[] {4, 9}, KEY, WIDE, ones(10_000));
        double[] second = forward(dropout, DType.FLOAT64, new long[] {9}, KEY, WIDE, ones(5000));
        double[] other = forward(dropout, DType.FLOAT64, new long[] {9}, KEY.draw(4), WIDE, ones(5000));

        assertThat(second)
                .containsExactly(Arrays.copyOfRange(both, 5000, 10_000))
                .isNotEqualTo(other);
    }

    @Test
    void bothPrecisionsDropTheSame() {
        double[] twice = forward(new Dropout(), DType.FLOAT64, new long[] {1}, KEY, WIDE, ones(5000));
        double[] single = forward(new Dropout(), DType.FLOAT32, new long[] {1}, KEY, WIDE, ones(5000));

        assertThat(single).containsExactly(twice);
    }

    @Test
    void extremesAreIdentityAndZero() {
        assertThat(forward(new Dropout(0), Shape.of(2), 1, 2)).containsExactly(1, 2);
        assertThat(forward(new Dropout(1), Shape.of(2), 1, 2)).containsExactly(0, 0);
        assertThat(forward(new Dropout(1, Mode.EVAL), Shape.of(2), 1, 2)).containsExactly(1, 2);
    }

    @Test
    void probabilitiesAreChecked() {
        assertThatThrownBy(() -> new Dropout(1.5)).hasMessageContaining("'p' of Dropout is 1.5, but must be");
        assertThatThrownBy(() -> new Dropout(-0.1)).hasMessageContaining("-0.1");
        assertThatThrownBy(() -> new Dropout(Double.NaN)).hasMessageContaining("NaN");
    }

    private static double[] ones(int count) {
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return ones;
    }
}
