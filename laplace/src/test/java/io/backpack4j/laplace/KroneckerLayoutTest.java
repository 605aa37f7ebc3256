// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.conv.ConvTranspose;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.sequence.embedding.Embedding;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.RealMatrix;
import org.junit.jupiter.api.Test;

/**
 * Weights whose elements do not lie as outputs times inputs: the predictive covariance against dense blocks that {@code
 * KFLR} makes of its factors, and Jacobians by differences.
 */
class KroneckerLayoutTest {

    private static final int SAMPLES = 5;
    private static final int CLASSES = 3;
    private static final double STEP = 1e-5;

    @Test
    void groups_and_transposed_convolutions() {
        Graph graph = Graph.sequential(
                Conv2d.of(2, 4, 2, 2).withGroups(2),
                new Tanh(),
                ConvTranspose.of(2, 4, 2, 2, 2),
                new Flatten(),
                new Linear(18, CLASSES));
        double[] values = new Random(1).doubles(SAMPLES * 18, -1, 1).toArray();
        check(graph, Shape.of(2, 3, 3), new HostTensor.Doubles(Shape.of(SAMPLES, 2, 3, 3), values));
    }

    @Test
    void tables_have_a_diagonal_input_side() {
        Graph graph = Graph.sequential(new Embedding(6, 2), new Flatten(), new Linear(8, CLASSES));
        long[] values = new Random(2).longs(SAMPLES * 4, 0, 6).toArray();
        check(graph, Shape.of(4), new HostTensor.Longs(Shape.of(SAMPLES, 4), values));
    }

    private static void check(Graph graph, Shape sample, HostTensor inputs) {
        HostTensor classes = new HostTensor.Longs(Shape.of(SAMPLES), new long[] {0, 1, 2, 1, 0});
        KFLR kflr = new KFLR(Optional.of(KroneckerConvention.EXPAND));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(LossReduction.SUM), DType.FLOAT64, sample);
                Batch batch = batch(backpack, inputs, classes)) {
            model.parameters().initialize(3);
            double[] covariance = Laplace.builder(backpack, model)
                    .structure(Structure.KRON)
                    .fit(ArraySource.of(inputs, classes))
                    .withPriorPrecision(0.5)
                    .predict(batch)
                    .covariance();
            RealMatrix[] expected = new RealMatrix[SAMPLES];
            try (Results results = backpack.compute(model, batch, kflr);
                    TensorScope scope = backpack.backend().openScope()) {
                for (String name : model.parameters().trainable()) {
                    double[] dense = results.get(kflr, name).dense(scope).toDoubleArray();
                    int size = (int) Math.round(Math.sqrt(dense.length));
                    RealMatrix block = new Array2DRowRealMatrix(size, size);
                    for (int i = 0; i < dense.length; i++) {
                        block.setEntry(i / size, i % size, dense[i]);
                    }
                    RealMatrix inverse = DenseOracle.inverse(DenseOracle.plus(block, 0.5));
                    RealMatrix[] jacobians = differences(backpack, model, batch, name, size);
                    for (int n = 0; n < SAMPLES; n++) {
                        RealMatrix part = jacobians[n].multiply(inverse).multiply(jacobians[n].transpose());
                        expected[n] = expected[n] == null ? part : expected[n].add(part);
                    }
                }
            }
            for (int i = 0; i < covariance.length; i++) {
                int n = i / (CLASSES * CLASSES);
                assertThat(covariance[i])
                        .isCloseTo(expected[n].getEntry(i / CLASSES % CLASSES, i % CLASSES), within(1e-8));
            }
        }
    }

    private static Batch batch(BackPack backpack, HostTensor inputs, HostTensor classes) {
        BatchBuilder builder = backpack.batch(DType.FLOAT64);
        inputs.addAsInput(builder, Graph.INPUT);
        classes.addAsTargets(builder);
        return builder.build();
    }

    private static RealMatrix[] differences(BackPack backpack, Model model, Batch batch, String name, int size) {
        RealMatrix[] jacobians = new RealMatrix[SAMPLES];
        double[] start = model.parameters().get(name).toDoubleArray();
        for (int n = 0; n < SAMPLES; n++) {
            jacobians[n] = new Array2DRowRealMatrix(CLASSES, size);
        }
        for (int i = 0; i < size; i++) {
            for (int sign : List.of(1, -1)) {
                double[] moved = start.clone();
                moved[i] += sign * STEP;
                model.parameters().set(name, moved);
                try (Prediction prediction = backpack.predict(model, batch)) {
                    double[] output = prediction.output().toDoubleArray();
                    for (int k = 0; k < output.length; k++) {
                        jacobians[k / CLASSES].addToEntry(k % CLASSES, i, sign * output[k] / (2 * STEP));
                    }
                }
            }
        }
        model.parameters().set(name, start);
        return jacobians;
    }
}
