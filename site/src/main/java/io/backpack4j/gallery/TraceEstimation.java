// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.operators.HessianOperator;
import io.backpack4j.operators.Hutchinson;
import io.backpack4j.operators.Lanczos;
import io.backpack4j.operators.Objective;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/**
 * Matrix-vector products: the Hessian's trace and its outer eigenvalues.
 *
 * <p>Hutchinson's estimator needs products vᵀ H v only. The exact trace, the sum of the Hessian's diagonal, lies within
 * the estimates' errors. Lanczos finds the largest and the smallest eigenvalue from the same products.
 */
public final class TraceEstimation {

    private TraceEstimation() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 16), new Sigmoid(), new Linear(16, 10));
        DiagHessian diagonal = new DiagHessian();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT64, 0, 64)) {
            model.parameters().initialize(0);
            double exact = 0;
            try (Results results = backpack.compute(model, batch, diagonal)) {
                for (String parameter : model.parameters().trainable()) {
                    exact += Arrays.stream(results.get(diagonal, parameter).toDoubleArray())
                            .sum();
                }
            }
            System.out.printf("exact trace %.4f%n", exact);
            try (HessianOperator hessian = HessianOperator.of(Objective.of(backpack, model, batch));
                    TensorScope scope = backpack.backend().openScope()) {
                for (int draws : new int[] {8, 32, 128}) {
                    Hutchinson.Estimate estimate = Hutchinson.of(draws).trace(hessian);
                    System.out.printf("%4d draws   %.4f ± %.4f%n", draws, estimate.mean(), estimate.standardError());
                }
                for (Lanczos.Which which : new Lanczos.Which[] {Lanczos.Which.LARGEST, Lanczos.Which.SMALLEST}) {
                    double value = Lanczos.of(which, 1)
                            .run(scope, hessian)
                            .values()
                            .get(0)
                            .value();
                    System.out.printf("%s eigenvalue %.5f%n", which, value);
                }
            }
        }
    }
}
