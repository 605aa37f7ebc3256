// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.laplace.Laplace;
import io.backpack4j.laplace.Posterior;
import io.backpack4j.laplace.Predictive;
import io.backpack4j.laplace.Structure;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.optimizer.Adam;
import java.util.Arrays;
import java.util.Random;

/**
 * Uncertainty of a trained network.
 *
 * <p>A Laplace approximation needs one pass over the training data. The network alone is sure of noise that is no
 * digit at all; with what the data leave open it is less so. The calibration of held-out digits is printed.
 */
public final class Uncertainty {

    private Uncertainty() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 16), new ReLU(), new Linear(16, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            Trainer.builder(backpack, model)
                    .optimizer(new Adam(3e-3))
                    .batch(50)
                    .epochs(15)
                    .build()
                    .fit(Digits.source(0, 400));
            Posterior posterior = Laplace.builder(backpack, model)
                    .structure(Structure.KRON)
                    .fit(Digits.source(0, 400))
                    .withOptimizedPriorPrecision();
            System.out.printf(
                    "prior precision %.2f, log marginal likelihood %.1f%n",
                    posterior.priorPrecision(), posterior.logMarginalLikelihood());
            float[] noise = new float[20 * Digits.SIZE];
            Random random = new Random(0);
            for (int i = 0; i < noise.length; i++) {
                noise[i] = random.nextFloat();
            }
            try (Batch batch = backpack.batch(DType.FLOAT32)
                            .input(Graph.INPUT, Shape.of(20, 1, 28, 28), noise)
                            .build();
                    Prediction alone = backpack.predict(model, batch)) {
                System.out.printf(
                        "largest probability of noise, mean: network alone %.3f, with its uncertainty %.3f%n",
                        certainty(softmax(alone.output().toDoubleArray())),
                        certainty(posterior.predict(batch).probit()));
            }
            System.out.print(posterior.calibration(Digits.source(400, 500), 50, Predictive::probit));
        }
    }

    private static double certainty(double[] probabilities) {
        double sum = 0;
        for (int n = 0; n < 20; n++) {
            sum += Arrays.stream(probabilities, 10 * n, 10 * n + 10).max().orElseThrow();
        }
        return sum / 20;
    }

    private static double[] softmax(double[] outputs) {
        double[] probabilities = outputs.clone();
        for (int n = 0; n < 20; n++) {
            double sum =
                    Arrays.stream(outputs, 10 * n, 10 * n + 10).map(Math::exp).sum();
            for (int k = 10 * n; k < 10 * n + 10; k++) {
                probabilities[k] = Math.exp(outputs[k]) / sum;
            }
        }
        return probabilities;
    }
}
