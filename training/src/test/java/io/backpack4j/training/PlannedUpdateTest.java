// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.files.TrainingExpressions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of an update before its gradient is comes true, step for step. */
class PlannedUpdateTest {

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /** Compares the parameters behind each step with what was planned. */
    private static final class Comparison implements TrainingListener {

        private final Map<String, double[]> expected = new HashMap<>();
        private Optional<Double> rate = Optional.empty();
        private int compared;

        @Override
        public void prepare(PassPreparation pass) {
            try (TensorScope scope = backpack.backend().openScope()) {
                Optional<LinearUpdate> planned = pass.plannedUpdate(scope);
                rate = planned.map(LinearUpdate::rate);
                expected.clear();
                planned.ifPresent(update ->
                        update.rest().forEach((parameter, rest) -> expected.put(parameter, rest.toDoubleArray())));
            }
        }

        @Override
        public void onTrainingBatch(TrainingStep step) {
            for (String parameter : step.training().parameters()) {
                double[] values =
                        step.training().model().parameters().get(parameter).toDoubleArray();
                double[] gradient = step.results().gradient(parameter).toDoubleArray();
                double[] rest = expected.getOrDefault(parameter, new double[values.length]);
                for (int i = 0; i < values.length; i++) {
                    values[i] += rest[i] - rate.orElse(Double.NaN) * gradient[i];
                }
                expected.put(parameter, values);
            }
        }

        @Override
        public void onStepped(TrainingStep step) {
            if (rate.isEmpty()) {
                return;
            }
            expected.forEach((parameter, values) -> {
                double[] actual =
                        step.training().model().parameters().get(parameter).toDoubleArray();
                for (int i = 0; i < values.length; i++) {
                    assertThat(actual[i])
                            .as("step %d, %s[%d]", step.number(), parameter, i)
                            .isCloseTo(values[i], within(1e-14));
                }
            });
            compared++;
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SGD(lr=0.3) | constant",
                "SGD(lr=0.3,weight_decay=0.1) | StepLR(step_size=1,gamma=0.5)",
                "SGD(lr=0.1,momentum=0.8) | constant",
                "SGD(lr=0.1,momentum=0.8,dampening=0.3,weight_decay=0.1) | constant",
                "SGD(lr=0.1,momentum=0.8,nesterov=true,weight_decay=0.1) | constant",
                "SGD(lr=0.1,momentum=0.8) | OneCycleLR(max_lr=0.5,total_steps=20)",
            })
    void anUpdateIsAsPlanned(String optimizer, String schedule) {
        assertThat(train(optimizer, schedule, ParameterGroup.of("*.bias").weightDecay(0.2)))
                .isEqualTo(12);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"Adam(lr=0.1)", "SGD(lr=0.1,maximize=true)"})
    void nothingIsSaidOfOthers(String optimizer) {
        assertThat(train(optimizer, "constant", ParameterGroup.of("*.bias"))).isZero();
    }

    /** One rate is promised, so there is none if groups have their own. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"SGD(lr=0.1)"})
    void nothingIsSaidOfSeveralRates(String optimizer) {
        assertThat(train(optimizer, "constant", ParameterGroup.of("*.bias").learningRate(0.2)))
                .isZero();
    }

    /** How many steps were compared. */
    private static int train(String optimizer, String schedule, ParameterGroup group) {
        Comparison comparison = new Comparison();
        try (Model model = Toys.classifier(backpack, DType.FLOAT64)) {
            Trainer.builder(backpack, model)
                    .optimizer(TrainingExpressions.optimizer(backpack.catalog(), optimizer))
                    .schedule(TrainingExpressions.schedule(backpack.catalog(), schedule))
                    .group(group)
                    .epochs(3)
                    .batch(8)
                    .listener(comparison)
                    .build()
                    .fit(Toys.points(32, 3));
        }
        return comparison.compared;
    }
}
