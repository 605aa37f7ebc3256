// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.optimizer.Adam;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Linear regression at its minimum: the loss is a quadratic, and its matrix is 2c XᵀX for every output. */
class PruningTest {

    private static final int SAMPLES = 50;
    private static final int INPUTS = 4;
    private static final int OUTPUTS = 3;

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    /** Inputs with a bias column, targets, and the weights of least squares with their biases in the last column. */
    private record Regression(RealMatrix inputs, RealMatrix targets, RealMatrix weights) {

        static Regression random(long seed) {
            Random random = new Random(seed);
            RealMatrix inputs = MatrixUtils.createRealMatrix(SAMPLES, INPUTS + 1);
            RealMatrix targets = MatrixUtils.createRealMatrix(SAMPLES, OUTPUTS);
            for (int n = 0; n < SAMPLES; n++) {
                double common = random.nextGaussian();
                for (int i = 0; i < INPUTS; i++) {
                    inputs.setEntry(n, i, random.nextGaussian() + 0.5 * common);
                }
                inputs.setEntry(n, INPUTS, 1);
                for (int o = 0; o < OUTPUTS; o++) {
                    targets.setEntry(n, o, inputs.getEntry(n, o) - o + random.nextGaussian());
                }
            }
            RealMatrix weights = new LUDecomposition(inputs.transposeMultiply(inputs))
                    .getSolver()
                    .solve(inputs.transposeMultiply(targets))
                    .transpose();
            return new Regression(inputs, targets, weights);
        }

        static double[] flat(RealMatrix matrix) {
            return Arrays.stream(matrix.getData())
                    .flatMapToDouble(Arrays::stream)
                    .toArray();
        }

        Model model(LossReduction reduction) {
            Graph graph = Graph.sequential(new Linear(INPUTS, OUTPUTS));
            Model model = backpack.model(graph, new MSELoss(reduction), DType.FLOAT64, Shape.of(INPUTS));
            model.parameters().set("0.weight", flat(weights.getSubMatrix(0, OUTPUTS - 1, 0, INPUTS - 1)));
            model.parameters().set("0.bias", weights.getColumn(INPUTS));
            return model;
        }

        ArraySource source() {
            return ArraySource.of(
                    new HostTensor.Doubles(
                            Shape.of(SAMPLES, INPUTS), flat(inputs.getSubMatrix(0, SAMPLES - 1, 0, INPUTS - 1))),
                    new HostTensor.Doubles(Shape.of(SAMPLES, OUTPUTS), flat(targets)));
        }

        Batch batch() {
            return source().read(LongStream.range(0, SAMPLES).toArray(), 1).upload(backpack, DType.FLOAT64);
        }
    }

    private static FittedCurvature fit(String curvature, Model model, ArraySource data) {
        var extension = (CurvatureExtension<?>) backpack.catalog().extension(curvature, Map.of());
        return FittedCurvature.fit(backpack, model, extension, data, 13);
    }

    private static double loss(Model model, Batch batch) {
        try (Results results = backpack.compute(model, batch)) {
            return results.loss();
        }
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void the_predicted_increase_of_each_weight_is_the_measured_one(LossReduction reduction) {
        Regression regression = Regression.random(1);
        try (Model model = regression.model(reduction);
                Batch batch = regression.batch();
                FittedCurvature fitted = fit("DiagGGNExact", model, regression.source())) {
            double before = loss(model, batch);
            Saliencies.damage(fitted, Granularity.WEIGHT).values().forEach((parameter, saliencies) -> {
                double[] values = model.parameters().get(parameter).toDoubleArray();
                for (int i = 0; i < values.length; i++) {
                    double[] without = values.clone();
                    without[i] = 0;
                    model.parameters().set(parameter, without);
                    assertThat(saliencies[i]).isCloseTo(loss(model, batch) - before, within(1e-9));
                }
                model.parameters().set(parameter, values);
            });
        }
    }

    /** Elements of a row have to do with each other, which Kronecker factors know and the diagonal does not. */
    @Test
    void the_expected_increase_of_many_is_the_measured_one_with_kronecker_factors() {
        Regression regression = Regression.random(2);
        try (Model model = regression.model(LossReduction.MEAN);
                Batch batch = regression.batch();
                FittedCurvature fitted = fit("KFLR", model, regression.source());
                FittedCurvature diagonal = fit("DiagGGNExact", model, regression.source())) {
            Saliencies saliencies = Saliencies.damage(diagonal, Granularity.WEIGHT);
            Saliencies weights = new Saliencies(
                    Granularity.WEIGHT, Map.of("0.weight", saliencies.values().get("0.weight")));
            Masks masks = Masks.least(weights, 0.5, fitted);
            double before = loss(model, batch);
            masks.apply(model);
            double increase = loss(model, batch) - before;
            assertThat(masks.count()).isEqualTo(6);
            assertThat(masks.expectedIncrease(fitted)).isCloseTo(increase, withinPercentage(1e-6));
            double[] left = model.parameters().get("0.weight").toDoubleArray();
            boolean[] removed = masks.removed("0.weight");
            double[] own = weights.values().get("0.weight");
            for (int i = 0; i < left.length; i++) {
                assertThat(left[i] == 0).isEqualTo(removed[i]);
                for (int j = 0; j < left.length; j++) {
                    if (removed[i] && !removed[j]) {
                        assertThat(own[i]).isLessThanOrEqualTo(own[j]);
                    }
                }
            }
        }
    }

    /** No quadratic: the median over weights of the relative error, at the end of training. */
    @Test
    void the_predicted_increase_in_a_network_is_near_the_measured_one() {
        Regression regression = Regression.random(6);
        Graph graph = Graph.sequential(new Linear(INPUTS, 5), new Tanh(), new Linear(5, OUTPUTS));
        try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT64, Shape.of(INPUTS));
                Batch batch = regression.batch()) {
            model.parameters().initialize(1);
            Trainer.builder(backpack, model)
                    .optimizer(new Adam(0.02))
                    .batch(SAMPLES)
                    .epochs(600)
                    .build()
                    .fit(regression.source());
            double before = loss(model, batch);
            List<Double> errors = new ArrayList<>();
            try (FittedCurvature fitted = fit("DiagGGNExact", model, regression.source())) {
                Saliencies.damage(fitted, Granularity.WEIGHT).values().forEach((parameter, saliencies) -> {
                    double[] values = model.parameters().get(parameter).toDoubleArray();
                    for (int i = 0; i < values.length; i++) {
                        double[] without = values.clone();
                        without[i] = 0;
                        model.parameters().set(parameter, without);
                        errors.add(Math.abs(saliencies[i] / (loss(model, batch) - before) - 1));
                    }
                    model.parameters().set(parameter, values);
                });
            }
            errors.sort(Comparator.naturalOrder());
            assertThat(errors.get(errors.size() / 2)).isLessThan(0.3);
        }
    }

    @Test
    void the_surgeon_finds_the_least_loss_without_some_weights() {
        Regression regression = Regression.random(3);
        try (Model model = regression.model(LossReduction.MEAN);
                Batch batch = regression.batch();
                FittedCurvature fitted = fit("KFLR", model, regression.source());
                Surgeon surgeon = Surgeon.of(fitted, "0.weight", 0)) {
            double before = loss(model, batch);
            // Weights 0 and 2 of the second output.
            Surgeon.Removal removal = surgeon.removal(INPUTS, INPUTS + 2);
            model.parameters().set("0.weight", removal.values());
            assertThat(removal.increase()).isCloseTo(loss(model, batch) - before, within(1e-10));
            // Least squares of what the bias leaves, without columns 0 and 2.
            RealMatrix kept = regression
                    .inputs()
                    .getSubMatrix(java.util.stream.IntStream.range(0, SAMPLES).toArray(), new int[] {1, 3});
            double[] target = regression.targets().getColumn(1);
            double bias = regression.weights().getEntry(1, INPUTS);
            Arrays.setAll(target, n -> target[n] - bias);
            double[] expected = new LUDecomposition(kept.transposeMultiply(kept))
                    .getSolver()
                    .solve(MatrixUtils.createRealVector(kept.preMultiply(target)))
                    .toArray();
            double[] values = removal.values();
            assertThat(values[INPUTS]).isZero();
            assertThat(values[INPUTS + 2]).isZero();
            assertThat(values[INPUTS + 1]).isCloseTo(expected[0], within(1e-9));
            assertThat(values[INPUTS + 3]).isCloseTo(expected[1], within(1e-9));
            Saliencies single = Saliencies.surgeon(fitted, Granularity.WEIGHT, 0);
            assertThat(single.values().get("0.weight")[5])
                    .isEqualTo(surgeon.removal(5).increase());
            assertThatThrownBy(() -> surgeon.removal(1, 1)).hasMessageContaining("each once");
            assertThatThrownBy(() -> surgeon.removal(12)).hasMessageContaining("0 to 11");
        }
    }

    @Test
    void rows_take_their_biases_along() {
        Regression regression = Regression.random(4);
        try (Model model = regression.model(LossReduction.MEAN);
                Batch batch = regression.batch();
                FittedCurvature fitted = fit("KFLR", model, regression.source());
                FittedCurvature diagonal = fit("DiagGGNExact", model, regression.source())) {
            Saliencies weights = Saliencies.damage(diagonal, Granularity.WEIGHT);
            Saliencies rows = Saliencies.damage(diagonal, Granularity.ROW);
            assertThat(rows.values()).containsOnlyKeys("0.weight");
            double[] own = weights.values().get("0.weight");
            double[] surgeon =
                    Saliencies.surgeon(fitted, Granularity.ROW, 0).values().get("0.weight");
            double before = loss(model, batch);
            double[] all = model.parameters().get("0.weight").toDoubleArray();
            double[] bias = model.parameters().get("0.bias").toDoubleArray();
            for (int row = 0; row < OUTPUTS; row++) {
                double sum = weights.values().get("0.bias")[row];
                double[] without = all.clone();
                for (int i = row * INPUTS; i < (row + 1) * INPUTS; i++) {
                    sum += own[i];
                    without[i] = 0;
                }
                assertThat(rows.values().get("0.weight")[row]).isCloseTo(sum, within(1e-12));
                // Nothing can make up for a whole row: outputs do not share weights.
                model.parameters().set("0.weight", without);
                double ofWeight = loss(model, batch) - before;
                double ofBias = bias[row] * bias[row] / OUTPUTS;
                assertThat(surgeon[row]).isCloseTo(ofWeight + ofBias, within(1e-9));
            }
            model.parameters().set("0.weight", all);
            Masks masks = Masks.least(rows, 0.34, diagonal);
            assertThat(masks.count()).isEqualTo(INPUTS + 1);
            assertThat(masks.removed("0.bias")).contains(true);
        }
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void effective_parameters_and_takeuchis_criterion_are_those_of_dense_matrices(LossReduction reduction) {
        Regression regression = Regression.random(5);
        double factor = reduction == LossReduction.MEAN ? 1.0 / (SAMPLES * OUTPUTS) : 1;
        double precision = 0.3 * (reduction == LossReduction.MEAN ? 1 : SAMPLES * OUTPUTS);
        RealMatrix inputs = regression.inputs();
        RealMatrix ofOutput = inputs.transposeMultiply(inputs).scalarMultiply(2 * factor);
        int size = INPUTS + 1;
        RealMatrix damped =
                ofOutput.add(MatrixUtils.createRealIdentityMatrix(size).scalarMultiply(precision));
        RealMatrix inverse = new LUDecomposition(damped).getSolver().getInverse();
        double effective = OUTPUTS * ofOutput.multiply(inverse).getTrace();
        double diagonal = 0;
        for (int i = 0; i < size; i++) {
            diagonal += OUTPUTS * ofOutput.getEntry(i, i) / (ofOutput.getEntry(i, i) + precision);
        }
        // A sample's own loss: an average over outputs for a mean. B of a sum is N times that of the mean of such
        // losses.
        double ofSample = reduction == LossReduction.MEAN ? 1.0 / OUTPUTS : 1;
        double ofMatrix = reduction == LossReduction.MEAN ? 1 : SAMPLES;
        RealMatrix residuals = inputs.multiply(regression.weights().transpose()).subtract(regression.targets());
        double trace = 0;
        for (int n = 0; n < SAMPLES; n++) {
            double[] x = inputs.getRow(n);
            double form = MatrixUtils.createRealVector(x).dotProduct(inverse.operate(MatrixUtils.createRealVector(x)));
            for (int o = 0; o < OUTPUTS; o++) {
                double gradient = 2 * residuals.getEntry(n, o) * ofSample;
                trace += gradient * gradient * form * ofMatrix / SAMPLES;
            }
        }
        try (Model model = regression.model(reduction);
                Batch batch = regression.batch();
                FittedCurvature fitted = fit("DiagGGNExact", model, regression.source());
                FittedCurvature kronecker = fit("KFLR", model, regression.source())) {
            ModelComparison.Exact exact =
                    ModelComparison.exact(backpack, model, batch, new CurvatureMatrix.GaussNewton(), precision);
            assertThat(exact.parameters()).isEqualTo(OUTPUTS * (INPUTS + 1));
            assertThat(exact.effectiveParameters()).isCloseTo(effective, within(1e-10));
            assertThat(exact.takeuchi()).isCloseTo(trace / SAMPLES, withinPercentage(1e-8));
            assertThat(ModelComparison.effectiveParameters(fitted, precision)).isCloseTo(diagonal, within(1e-10));
            assertThatThrownBy(() -> ModelComparison.effectiveParameters(kronecker, precision))
                    .hasMessageContaining("is not diagonal");
            assertThatThrownBy(() -> ModelComparison.effectiveParameters(fitted, 0))
                    .hasMessageContaining("above 0");
            assertThatThrownBy(() -> Saliencies.damage(kronecker, Granularity.ROW))
                    .hasMessageContaining("is not diagonal");
            assertThatThrownBy(() -> fitted.block("x")).hasMessageContaining("0.weight, 0.bias");
            assertThatThrownBy(() -> Masks.least(Saliencies.damage(fitted, Granularity.WEIGHT), 1.5, fitted))
                    .hasMessageContaining("from 0 to 1");
        }
    }
}
