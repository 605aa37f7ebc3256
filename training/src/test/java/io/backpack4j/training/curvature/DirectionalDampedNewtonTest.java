// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.vivit.Damping;
import io.backpack4j.ext.vivit.Directions;
import io.backpack4j.ext.vivit.GgnRoot;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.conv.MaxPool2d;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.Toys;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingStep;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.files.TrainingExpressions;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class DirectionalDampedNewtonTest {

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static Optimizer named(String expression) {
        return TrainingExpressions.optimizer(backpack.catalog(), expression);
    }

    /** Of a quadratic loss, undamped and along all directions, one step ends where the gradient is zero. */
    @Test
    void one_step_along_all_directions_solves_least_squares() {
        try (Model model = Toys.line(backpack, DType.FLOAT64)) {
            Trainer.builder(backpack, model)
                    .optimizer(named("DirectionalDampedNewton(top=3,damping=0)"))
                    .epochs(2)
                    .batch(12)
                    .listener(new TrainingListener() {
                        @Override
                        public void onTrainingBatch(TrainingStep step) {
                            if (step.epoch() == 2) {
                                double[] gradient =
                                        step.results().gradient("0.weight").toDoubleArray();
                                assertThat(gradient).containsExactly(new double[2], within(1e-9));
                            }
                        }
                    })
                    .build()
                    .fit(Lines.data(12));
        }
    }

    @Test
    void logistic_regression_learns_digits_with_a_constant_damping() {
        Graph graph = Graph.sequential(new Flatten(), new Linear(64, 4));
        assertThat(trained(graph, named("DirectionalDampedNewton(top=10,damping=0.1,lr=0.7)")))
                .isLessThan(0.3);
    }

    @Test
    void a_convolutional_network_learns_digits_with_a_damping_that_is_a_function() {
        Graph lenet =
                Graph.sequential(Conv2d.of(1, 4, 3), new Tanh(), MaxPool2d.of(2), new Flatten(), new Linear(36, 4));
        // Directions whose slopes are mostly noise are damped more.
        Damping byNoise = (eigenvalues, gammas, lambdas) -> {
            double[] dampings = new double[eigenvalues.length];
            for (int k = 0; k < dampings.length; k++) {
                int direction = k;
                double mean = Arrays.stream(gammas)
                        .mapToDouble(row -> row[direction])
                        .average()
                        .orElseThrow();
                double square = Arrays.stream(gammas)
                        .mapToDouble(row -> row[direction] * row[direction])
                        .average()
                        .orElseThrow();
                dampings[k] = eigenvalues[k] * (square - mean * mean) / (gammas.length * mean * mean) + 0.05;
            }
            return dampings;
        };
        var step = new io.backpack4j.ext.vivit.DirectionalDampedNewton(
                new GgnRoot(), Directions.top(8).dropping(), Optional.empty(), byNoise);
        assertThat(trained(lenet, new DirectionalDampedNewton(step, 1))).isLessThan(0.3);
    }

    @Test
    void options_are_those_of_the_extension_and_errors_name_them() {
        Optimizer optimizer = named("DirectionalDampedNewton(threshold=0.1,damping=2,lr=0.5,mc_samples=1)");

        assertThat(optimizer.learningRate()).isEqualTo(0.5);
        assertThat(optimizer.arguments())
                .containsEntry("lr", 0.5)
                .containsKeys("threshold", "damping", "mc_samples", "drop")
                .doesNotContainKey("top");
        assertThatThrownBy(() -> named("DirectionalDampedNewton(tpo=3)")).hasMessageContaining("tpo");
    }

    /** The mean loss of the last epoch on four digits, drawn as bars with noise. */
    private static double trained(Graph graph, Optimizer optimizer) {
        int samples = 96;
        Random random = new Random(Randomness.of("digits").nextLong());
        float[] pixels = new float[samples * 64];
        long[] labels = new long[samples];
        for (int n = 0; n < samples; n++) {
            labels[n] = n % 4;
            for (int i = 0; i < 64; i++) {
                boolean bar = labels[n] < 2 ? i % 8 / 4 == labels[n] : i / 32 == labels[n] - 2;
                pixels[n * 64 + i] = (float) ((bar ? 1 : 0) + 0.3 * random.nextGaussian());
            }
        }
        try (Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 8, 8))) {
            model.parameters().initialize(1);
            return Trainer.builder(backpack, model)
                    .optimizer(optimizer)
                    .epochs(6)
                    .batch(32)
                    .build()
                    .fit(ArraySource.of(Shape.of(1, 8, 8), pixels, labels))
                    .last()
                    .get("train_loss");
        }
    }
}
