// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;

/**
 * Individual gradients and their statistics.
 *
 * <p>One pass over 64 digits computes the gradient and everything that is made of single samples' gradients. The sum of
 * the individual gradients is the gradient: the program checks it.
 */
public final class FirstOrder {

    private FirstOrder() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 10));
        BatchGrad individual = new BatchGrad();
        BatchL2Grad norms = new BatchL2Grad();
        SumGradSquared squares = new SumGradSquared();
        Variance variance = new Variance();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT32, 0, 64)) {
            model.parameters().initialize(0);
            try (Results results = backpack.compute(model, batch, individual, norms, squares, variance)) {
                System.out.printf("loss %.4f%n", results.loss());
                results.tensors().forEach((name, tensor) -> System.out.printf("%-28s %s%n", name, tensor.shape()));

                float[] gradient = results.gradient("1.weight").toFloatArray();
                float[] ofSamples = results.get(individual, "1.weight").toFloatArray();
                double worst = 0;
                for (int i = 0; i < gradient.length; i++) {
                    double sum = 0;
                    for (int n = 0; n < 64; n++) {
                        sum += ofSamples[n * gradient.length + i];
                    }
                    worst = Math.max(worst, Math.abs(sum - gradient[i]));
                }
                System.out.println("the sum is the gradient: " + (worst < 1e-6));
            }
        }
    }
}
