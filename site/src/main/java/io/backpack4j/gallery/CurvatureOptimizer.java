// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.conv.MaxPool2d;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.curvature.PreconditionedGradient;
import io.backpack4j.training.metric.Accuracy;

/**
 * An optimiser of second order: the diagonal of the Gauss-Newton matrix.
 *
 * <p>θ ← θ − lr · g / (diagonal + damping), with a diagonal that one draw per sample estimates in the pass of the
 * gradient.
 */
public final class CurvatureOptimizer {

    private CurvatureOptimizer() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(
                Conv2d.of(1, 6, 5),
                new ReLU(),
                MaxPool2d.of(2),
                Conv2d.of(6, 12, 5),
                new ReLU(),
                MaxPool2d.of(2),
                new Flatten(),
                new Linear(192, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            Trainer.builder(backpack, model)
                    .optimizer(new PreconditionedGradient(new DiagGGNMC(1), 0.05, 0.05))
                    .batch(64)
                    .epochs(6)
                    .metric(new Accuracy())
                    .validation(Digits.source(400, 500))
                    .build()
                    .fit(Digits.source(0, 400))
                    .epochs()
                    .forEach(epoch -> System.out.printf(
                            "epoch %d  loss %.3f  accuracy of held-out digits %.2f%n",
                            epoch.epoch(),
                            epoch.values().get("train_loss"),
                            epoch.values().get("valid_accuracy")));
        }
    }
}
