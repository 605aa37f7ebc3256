// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.vivit.Ntk;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;

/**
 * A network as a kernel machine.
 *
 * <p>The empirical tangent kernel ⟨∂f(x)/∂θ, ∂f(x′)/∂θ⟩ of a network that was never trained spans a reproducing kernel
 * Hilbert space. Kernel ridge regression in it tells zeros and ones from the rest of the digits, after one pass.
 */
public final class TangentKernel {

    private static final int TRAINING = 150;
    private static final int ALL = 200;

    private TangentKernel() {}

    public static void main(String[] arguments) {
        long[] labels = Digits.labels(0, ALL);
        double[] signs =
                Arrays.stream(labels).mapToDouble(label -> label < 2 ? 1 : -1).toArray();
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 64), new ReLU(), new Linear(64, 1));
        Ntk ntk = new Ntk();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new MSELoss(), DType.FLOAT64, Shape.of(1, 28, 28));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(ALL, 1, 28, 28), Digits.pixels(0, ALL))
                        .targets(Shape.of(ALL, 1), signs)
                        .build()) {
            model.parameters().initialize(0);
            try (Results results = backpack.compute(model, batch, ntk)) {
                System.out.println("kernel " + results.tensors().get("*/ntk").shape());
                double[] kernel = results.tensors().get("*/ntk").toDoubleArray();
                double[] weights = ridge(kernel, signs, 1);
                int right = 0;
                for (int n = TRAINING; n < ALL; n++) {
                    double value = 0;
                    for (int m = 0; m < TRAINING; m++) {
                        value += kernel[n * ALL + m] * weights[m];
                    }
                    right += value * signs[n] > 0 ? 1 : 0;
                }
                System.out.printf("%d of %d unseen digits are told apart%n", right, ALL - TRAINING);
            }
        }
    }

    /** (K + λI)⁻¹ y by Cholesky's decomposition, K being the kernel among the training samples. */
    private static double[] ridge(double[] kernel, double[] targets, double damping) {
        double[][] root = new double[TRAINING][TRAINING];
        for (int i = 0; i < TRAINING; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = kernel[i * ALL + j] + (i == j ? damping : 0);
                for (int k = 0; k < j; k++) {
                    sum -= root[i][k] * root[j][k];
                }
                root[i][j] = i == j ? Math.sqrt(sum) : sum / root[j][j];
            }
        }
        double[] x = Arrays.copyOf(targets, TRAINING);
        for (int i = 0; i < TRAINING; i++) {
            for (int k = 0; k < i; k++) {
                x[i] -= root[i][k] * x[k];
            }
            x[i] /= root[i][i];
        }
        for (int i = TRAINING - 1; i >= 0; i--) {
            for (int k = i + 1; k < TRAINING; k++) {
                x[i] -= root[k][i] * x[k];
            }
            x[i] /= root[i][i];
        }
        return x;
    }
}
