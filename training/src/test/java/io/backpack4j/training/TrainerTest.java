// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.optimizer.SGD;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TrainerTest {

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /** The update by hand: y = w·x + b, L the mean of squares. */
    @Test
    void gradientDescentIsThatOfTheFormula() {
        double[] x = {1, 2, -1, 0.5, 0, -2};
        double[] y = {1, 0, 3};
        try (Model model = Toys.line(backpack, DType.FLOAT64)) {
            double[] w = model.parameters().get("0.weight").toDoubleArray();
            double b = model.parameters().get("0.bias").item();
            var data = ArraySource.of(
                    new HostTensor.Doubles(Shape.of(3, 2), x), new HostTensor.Doubles(Shape.of(3, 1), y));
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(new SGD(0.1))
                    .epochs(4)
                    .batch(3)
                    .build()
                    .fit(data);
            for (int step = 0; step < 4; step++) {
                double[] gradient = new double[3];
                for (int n = 0; n < 3; n++) {
                    double error = 2 * (w[0] * x[2 * n] + w[1] * x[2 * n + 1] + b - y[n]) / 3;
                    gradient[0] += error * x[2 * n];
                    gradient[1] += error * x[2 * n + 1];
                    gradient[2] += error;
                }
                w[0] -= 0.1 * gradient[0];
                w[1] -= 0.1 * gradient[1];
                b -= 0.1 * gradient[2];
            }
            assertThat(result.steps()).isEqualTo(4);
            assertThat(result.epochs()).hasSize(4);
            assertThat(model.parameters().get("0.weight").toDoubleArray()).containsExactly(w, within(1e-14));
            assertThat(model.parameters().get("0.bias").item()).isCloseTo(b, within(1e-14));
        }
    }

    @Test
    void aClassifierLearns() {
        try (Model model = Toys.classifier(backpack, DType.FLOAT32)) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(new SGD(0.5, 0.9))
                    .epochs(20)
                    .batch(16)
                    .validation(Toys.points(64, 5))
                    .build()
                    .fit(Toys.points(200, 4));
            assertThat(result.steps()).isEqualTo(20 * 13);
            assertThat(result.last().get("valid_loss")).isLessThan(0.35);
            assertThat(result.epochs().get(0).values().get("train_loss"))
                    .isGreaterThan(result.last().get("train_loss"));
        }
    }

    @Test
    void optimisersAreFoundByName() {
        assertThat(backpack.catalog().services(OptimizerProvider.class))
                .extracting(OptimizerProvider::name)
                .contains("SGD");
    }
}
