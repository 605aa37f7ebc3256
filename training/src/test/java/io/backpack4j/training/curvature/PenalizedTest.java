// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.Toys;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Subset;
import io.backpack4j.training.files.CheckpointFolder;
import io.backpack4j.training.optimizer.Adam;
import io.backpack4j.training.optimizer.SGD;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Penalties for leaving what a task was learned with. */
class PenalizedTest {

    private static BackPack backpack;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static CurvatureExtension<?> curvature(String name) {
        return (CurvatureExtension<?>) backpack.catalog().extension(name, Map.of());
    }

    private static QuadraticPenalty fit(String name, Model model, DataSource data, double strength) {
        return QuadraticPenalty.fit(backpack, model, curvature(name), data, 9, strength);
    }

    private static double[] moved(Model model, String parameter, long seed) {
        double[] values = model.parameters().get(parameter).toDoubleArray();
        Random random = new Random(seed);
        return Arrays.stream(values).map(value -> value + random.nextGaussian()).toArray();
    }

    private static double[] gradient(QuadraticPenalty penalty, String parameter, Shape shape, double... value) {
        try (TensorScope scope = backpack.backend().openScope()) {
            Tensor sum = backpack.backend().upload(scope, shape, DType.FLOAT64, new double[value.length]);
            penalty.addGradient(parameter, backpack.backend().upload(scope, shape, DType.FLOAT64, value), 1, sum);
            return sum.toDoubleArray();
        }
    }

    private static double value(QuadraticPenalty penalty, String parameter, Shape shape, double... value) {
        try (TensorScope scope = backpack.backend().openScope()) {
            return penalty.value(parameter, backpack.backend().upload(scope, shape, DType.FLOAT64, value));
        }
    }

    @Test
    void elastic_weight_consolidation_is_the_diagonal_of_the_gauss_newton_matrix() {
        ArraySource data = Toys.points(40, 3);
        DiagGGNExact diagonal = new DiagGGNExact();
        try (Model model = Toys.classifier(backpack, DType.FLOAT64);
                Batch all = data.read(LongStream.range(0, 40).toArray(), 1).upload(backpack, DType.FLOAT64);
                Results results = backpack.compute(model, all, diagonal);
                QuadraticPenalty penalty = fit("DiagGGNExact", model, data, 2.5)) {
            for (String parameter : model.parameters().trainable()) {
                double[] centre = model.parameters().get(parameter).toDoubleArray();
                double[] value = moved(model, parameter, 5);
                double[] curvature = results.get(diagonal, parameter).toDoubleArray();
                double[] expected = new double[centre.length];
                double cost = 0;
                for (int i = 0; i < centre.length; i++) {
                    expected[i] = 2.5 * curvature[i] * (value[i] - centre[i]);
                    cost += expected[i] * (value[i] - centre[i]) / 2;
                }
                Shape shape = model.parameters().spec(parameter).shape();
                assertThat(gradient(penalty, parameter, shape, value)).containsExactly(expected, within(1e-13));
                assertThat(value(penalty, parameter, shape, value)).isCloseTo(cost, within(1e-12));
                assertThat(value(penalty, parameter, shape, centre)).isZero();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"DiagGGNExact", "KFLR"})
    void gradients_are_those_of_finite_differences(String name) {
        try (Model model = Toys.classifier(backpack, DType.FLOAT64);
                QuadraticPenalty penalty = fit(name, model, Toys.points(40, 3), 1.5)) {
            for (String parameter : model.parameters().trainable()) {
                Shape shape = model.parameters().spec(parameter).shape();
                double[] value = moved(model, parameter, 7);
                double[] gradient = gradient(penalty, parameter, shape, value);
                for (int i = 0; i < value.length; i++) {
                    double[] more = value.clone();
                    double[] less = value.clone();
                    more[i] += 1e-3;
                    less[i] -= 1e-3;
                    double slope =
                            (value(penalty, parameter, shape, more) - value(penalty, parameter, shape, less)) / 2e-3;
                    // Exact for quadratics, up to rounding.
                    assertThat(gradient[i]).isCloseTo(slope, within(1e-10));
                }
            }
        }
    }

    /** The mean's curvature over 15 and 25 samples, weighted by their numbers, is that over all 40. */
    @Test
    void two_tasks_are_as_both_at_once() {
        ArraySource data = Toys.points(40, 3);
        try (Model model = Toys.classifier(backpack, DType.FLOAT64);
                QuadraticPenalty both = fit("DiagGGNExact", model, data, 40);
                QuadraticPenalty first = fit("DiagGGNExact", model, part(data, 0, 15), 15);
                QuadraticPenalty second = fit("DiagGGNExact", model, part(data, 15, 40), 25)) {
            Map<String, double[]> start = numbers(model);
            for (String parameter : model.parameters().trainable()) {
                model.parameters().set(parameter, moved(model, parameter, 8));
            }
            Map<String, double[]> moved = numbers(model);
            train(model, new Penalized(new SGD(1e-3, 0.9), both));
            Map<String, double[]> once = numbers(model);
            moved.forEach(model.parameters()::set);
            train(model, new Penalized(new SGD(1e-3, 0.9), first, second));
            Map<String, double[]> merged = numbers(model);
            moved.forEach(model.parameters()::set);
            train(model, new SGD(1e-3, 0.9));
            once.forEach((parameter, values) -> {
                assertThat(merged.get(parameter)).containsExactly(values, within(1e-12));
                assertThat(distance(values, start.get(parameter)))
                        .as("penalties draw back")
                        .isLessThan(distance(numbers(model).get(parameter), start.get(parameter)));
            });
        }
    }

    private static double distance(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }
        return sum;
    }

    private static Subset part(DataSource data, long from, long to) {
        return new Subset(data, from, to);
    }

    private static Map<String, double[]> numbers(Model model) {
        Map<String, double[]> numbers = new TreeMap<>();
        for (String parameter : model.parameters().trainable()) {
            numbers.put(parameter, model.parameters().get(parameter).toDoubleArray());
        }
        return numbers;
    }

    private static void train(Model model, io.backpack4j.training.Optimizer optimizer) {
        Trainer.builder(backpack, model)
                .optimizer(optimizer)
                .batch(10)
                .epochs(2)
                .build()
                .fit(Toys.points(30, 9));
    }

    @Test
    void a_run_that_goes_on_has_the_penalties_of_its_checkpoint() {
        try (Model straight = Toys.classifier(backpack, DType.FLOAT64);
                Model stopped = Toys.classifier(backpack, DType.FLOAT64);
                QuadraticPenalty penalty = fit("KFLR", straight, Toys.points(40, 3), 3);
                QuadraticPenalty other = fit("KFLR", straight, Toys.points(20, 4), 3)) {
            run(straight, penalty, "straight").build().fit(Toys.points(30, 9));
            run(stopped, penalty, "parts").maxSteps(4).build().fit(Toys.points(30, 9));
            run(stopped, other, "parts").resume(true).build().fit(Toys.points(30, 9));
            numbers(straight)
                    .forEach((parameter, values) ->
                            assertThat(numbers(stopped).get(parameter)).containsExactly(values));
        }
    }

    private Trainer.Builder run(Model model, QuadraticPenalty penalty, String name) {
        return Trainer.builder(backpack, model)
                .optimizer(new Penalized(new Adam(0.01), penalty))
                .batch(10)
                .epochs(3)
                .seed(4)
                .checkpoints(new CheckpointFolder(folder.resolve(name), 2));
    }

    @Test
    void what_cannot_be_is_said() {
        try (Model classifier = Toys.classifier(backpack, DType.FLOAT64);
                QuadraticPenalty none = QuadraticPenalty.of(backpack.backend(), 1, Map.of(), Map.of());
                QuadraticPenalty penalty = fit("DiagGGNExact", classifier, Toys.points(20, 3), 1)) {
            assertThatThrownBy(() -> new Penalized(new SGD(1), List.of())).hasMessageContaining("SGD alone");
            assertThatThrownBy(() -> fit("DiagGGNExact", classifier, Toys.points(20, 3), -1))
                    .hasMessageContaining("'strength'");
            assertThatThrownBy(() -> value(penalty, "0.weight", Shape.of(2, 2), 1, 2, 3, 4))
                    .hasMessageContaining("'0.weight' has shape [2, 2]");
            assertThat(value(penalty, "9.weight", Shape.of(1), 5)).isZero();
            assertThatThrownBy(() -> train(classifier, new Penalized(new SGD(1), none)))
                    .hasMessageContaining("A penalty is for parameters [], but [0.weight, 0.bias");
            assertThatThrownBy(() -> QuadraticPenalty.of(
                            backpack.backend(),
                            1,
                            Map.of("0.bias", classifier.parameters().get("0.bias")),
                            Map.of()))
                    .hasMessageContaining("Give both of each");
        }
    }
}
