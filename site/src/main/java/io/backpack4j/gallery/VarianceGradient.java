// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.operators.HessianOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Random;

/**
 * The gradient of the gradients' variance.
 *
 * <p>The total variance Σ_j (1/N) Σ_n (g_nj − ḡ_j)² is itself a function of the parameters. Its gradient is (2/N) Σ_n
 * H_n (g_n − ḡ): a product of every sample's Hessian with that sample's deviation. A difference quotient agrees.
 */
public final class VarianceGradient {

    private static final int SAMPLES = 8;
    private static final double[] INPUTS =
            new Random(0).doubles(SAMPLES * 3L, -1, 1).toArray();
    private static final double[] TARGETS =
            new Random(1).doubles(SAMPLES, -1, 1).toArray();

    private VarianceGradient() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Linear(3, 4), new Tanh(), new Linear(4, 1));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new MSELoss(LossReduction.SUM), DType.FLOAT64, Shape.of(3))) {
            model.parameters().initialize(0);
            double[] gradient = gradient(backpack, model);
            double[] weight = model.parameters().get("0.weight").toDoubleArray();
            double step = 1e-5;
            for (int i = 0; i < 3; i++) {
                double above = variance(backpack, model, weight, i, step);
                double below = variance(backpack, model, weight, i, -step);
                System.out.printf(
                        "weight %d  by products %.6f, by differences %.6f%n",
                        i, gradient[i], (above - below) / (2 * step));
            }
        }
    }

    /** The derivatives by {@code 0.weight}, which stands first. */
    private static double[] gradient(BackPack backpack, Model model) {
        BatchGrad individual = new BatchGrad();
        double[] sum = new double[12];
        for (int n = 0; n < SAMPLES; n++) {
            try (Batch all = batch(backpack, 0, SAMPLES);
                    Batch one = batch(backpack, n, n + 1);
                    Results results = backpack.compute(model, all, individual);
                    HessianOperator hessian = HessianOperator.of(Objective.of(backpack, model, one));
                    TensorScope scope = backpack.backend().openScope()) {
                double[] deviations = new double[(int) hessian.columns()];
                int offset = 0;
                for (String parameter : hessian.layout().names()) {
                    double[] gradients = results.get(individual, parameter).toDoubleArray();
                    int size = gradients.length / SAMPLES;
                    for (int i = 0; i < size; i++) {
                        double mean = 0;
                        for (int m = 0; m < SAMPLES; m++) {
                            mean += gradients[m * size + i] / SAMPLES;
                        }
                        deviations[offset + i] = gradients[n * size + i] - mean;
                    }
                    offset += size;
                }
                Tensor direction = scope.allocate(Shape.of(1, deviations.length), DType.FLOAT64);
                direction.write(0, deviations, 0, deviations.length);
                Tensor product = scope.allocate(Shape.of(1, deviations.length), DType.FLOAT64);
                hessian.multiply(direction, product);
                double[] ofSample =
                        hessian.layout().split(scope, product).get("0.weight").toDoubleArray();
                Arrays.setAll(sum, i -> sum[i] + 2.0 / SAMPLES * ofSample[i]);
            }
        }
        return sum;
    }

    private static double variance(BackPack backpack, Model model, double[] weight, int index, double step) {
        Variance variance = new Variance();
        double[] changed = weight.clone();
        changed[index] += step;
        model.parameters().set("0.weight", changed);
        try (Batch batch = batch(backpack, 0, SAMPLES);
                Results results = backpack.compute(model, batch, variance)) {
            return model.parameters().trainable().stream()
                    .flatMapToDouble(
                            name -> Arrays.stream(results.get(variance, name).toDoubleArray()))
                    .sum();
        } finally {
            model.parameters().set("0.weight", weight);
        }
    }

    private static Batch batch(BackPack backpack, int from, int to) {
        return backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(to - from, 3), Arrays.copyOfRange(INPUTS, 3 * from, 3 * to))
                .targets(Shape.of(to - from, 1), Arrays.copyOfRange(TARGETS, from, to))
                .build();
    }
}
