// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.metric.Accuracy;
import io.backpack4j.training.metric.Auc;
import io.backpack4j.training.metric.MeanSquaredError;
import io.backpack4j.training.metric.TopK;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MetricsTest {

    private static double of(Metric metric, Shape shape, double[] outputs, HostTensor targets) {
        Metric.Sum sum = metric.start();
        sum.add(shape, outputs, targets);
        State state = new State();
        sum.save(state);
        Metric.Sum restored = metric.start();
        restored.load(state);
        assertThat(restored.value()).isEqualTo(sum.value());
        return sum.value();
    }

    private static HostTensor classes(long... indices) {
        return new HostTensor.Longs(Shape.of(indices.length), indices);
    }

    @Test
    void theLargestOutputIsTheAnswer() {
        double[] outputs = {1, 3, 2, 0, -1, 5, 4, 4, 1};
        HostTensor targets = classes(2, 2, 0);
        assertThat(of(new Accuracy(), Shape.of(3, 3), outputs, targets)).isEqualTo(2 / 3.0);
        assertThat(of(new TopK(2), Shape.of(3, 3), outputs, targets)).isEqualTo(1);
        assertThat(of(new Accuracy(), Shape.of(3, 3), outputs, classes(2, -100, 0)))
                .isEqualTo(0.5);
    }

    @Test
    void classesStandOnTheSecondAxis() {
        double[] outputs = {1, 0, 0, 1, 1, 0};
        HostTensor targets = new HostTensor.Longs(Shape.of(1, 3), new long[] {0, 1, 1});
        assertThat(of(new Accuracy(), Shape.of(1, 2, 3), outputs, targets)).isEqualTo(2 / 3.0);
    }

    @Test
    void aSingleOutputIsALogit() {
        HostTensor targets = new HostTensor.Doubles(Shape.of(4, 1), new double[] {1, 0, 1, 0});
        assertThat(of(new Accuracy(), Shape.of(4, 1), new double[] {2, 3, -1, -4}, targets))
                .isEqualTo(0.5);
    }

    @Test
    void squaresAreAveraged() {
        HostTensor targets = new HostTensor.Floats(Shape.of(2, 2), new float[] {1, 2, 3, 4});
        assertThat(of(new MeanSquaredError(), Shape.of(2, 2), new double[] {1, 4, 3, 1}, targets))
                .isEqualTo(13 / 4.0);
    }

    @Test
    void theAreaIsThatOfAllPairs() {
        Random random = new Random(5);
        double[] scores =
                random.doubles(200).map(score -> Math.floor(score * 20)).toArray();
        long[] classes = random.longs(200, 0, 2).toArray();
        double wins = 0;
        double pairs = 0;
        for (int i = 0; i < 200; i++) {
            for (int j = 0; j < 200; j++) {
                if (classes[i] == 1 && classes[j] == 0) {
                    pairs++;
                    wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                }
            }
        }
        assertThat(of(new Auc(), Shape.of(200, 1), scores, classes(classes))).isCloseTo(wins / pairs, within(1e-12));
        double[] two = Arrays.stream(scores)
                .flatMap(score -> Arrays.stream(new double[] {1, 1 + score}))
                .toArray();
        assertThat(of(new Auc(), Shape.of(200, 2), two, classes(classes))).isCloseTo(wins / pairs, within(1e-12));
    }
}
