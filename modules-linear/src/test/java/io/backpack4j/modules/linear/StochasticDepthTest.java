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
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class StochasticDepthTest {

    private static final RandomKey KEY = new RandomKey(1, 2, 3);
    private static final Shape SAMPLE = Shape.of(2, 3);

    @Test
    void dropsWholeSamplesWithProbabilityP() {
        long[] ids = LongStream.range(0, 4000).toArray();
        double[] output = forward(new StochasticDepth(0.3), DType.FLOAT64, ids, KEY, SAMPLE, ones(4000 * 6));

        int dropped = 0;
        for (int sample = 0; sample < 4000; sample++) {
            double[] values = Arrays.copyOfRange(output, 6 * sample, 6 * sample + 6);
            assertThat(values).containsOnly(values[0]);
            assertThat(values[0]).isIn(0.0, 1 / 0.7);
            dropped += values[0] == 0 ? 1 : 0;
        }
        assertThat(dropped / 4000.0).isCloseTo(0.3, within(0.03));
    }

    @Test
    void aSamplesDrawDependsOnItsIdAlone() {
        StochasticDepth depth = new StochasticDepth(0.5);
        long[] ids = LongStream.range(0, 40).toArray();
        double[] together = forward(depth, DType.FLOAT64, ids, KEY, SAMPLE, ones(240));
        for (int id = 0; id < 40; id++) {
            assertThat(forward(depth, DType.FLOAT32, new long[] {id}, KEY, SAMPLE, ones(6)))
                    .containsExactly(Arrays.copyOfRange(together, 6 * id, 6 * id + 6));
        }
        assertThat(forward(depth, DType.FLOAT64, ids, KEY.draw(4), SAMPLE, ones(240)))
                .isNotEqualTo(together);
    }

    @Test
    void extremesAreIdentityAndZero() {
        assertThat(forward(new StochasticDepth(0), Shape.of(2), 1, 2)).containsExactly(1, 2);
        assertThat(forward(new StochasticDepth(1), Shape.of(2), 1, 2)).containsExactly(0, 0);
        assertThat(forward(new StochasticDepth(1, Mode.EVAL), Shape.of(2), 1, 2))
                .containsExactly(1, 2);
        assertThat(new StochasticDepth(0.2).inMode(Mode.EVAL)).isEqualTo(new StochasticDepth(0.2, Mode.EVAL));
    }

    @Test
    void probabilitiesAreChecked() {
        assertThatThrownBy(() -> new StochasticDepth(1.5))
                .hasMessageContaining("'p' of StochasticDepth is 1.5, but must be");
        assertThatThrownBy(() -> new StochasticDepth(Double.NaN)).hasMessageContaining("NaN");
    }

    private static double[] ones(int count) {
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return ones;
    }
}
