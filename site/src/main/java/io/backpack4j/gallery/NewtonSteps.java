// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.curvature.Matrix;
import io.backpack4j.training.curvature.NewtonCG;
import io.backpack4j.training.optimizer.SGD;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Newton steps without a matrix.
 *
 * <p>Two sigmoid layers, where gradient descent stands still at first. NewtonCG solves (G + λI) x = −∇L by conjugate
 * gradients: products with the Gauss-Newton matrix only. The same number of steps, beside plain gradient descent.
 */
public final class NewtonSteps {

    private static final int EPOCHS = 6;

    private NewtonSteps() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : ".");
        double[] descent = train("SGD(0.1)", new SGD(0.1));
        double[] newton = train("NewtonCG", new NewtonCG(Matrix.GGN));
        Picture.lines(folder.resolve("newton.svg"), "epoch", List.of("SGD", "NewtonCG"), List.of(descent, newton));
    }

    private static double[] train(String name, Optimizer optimizer) {
        Graph graph = Graph.sequential(
                new Flatten(),
                new Linear(784, 20),
                new Sigmoid(),
                new Linear(20, 20),
                new Sigmoid(),
                new Linear(20, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(optimizer)
                    .batch(100)
                    .epochs(EPOCHS)
                    .build()
                    .fit(Digits.source(0, 300));
            double[] losses = result.epochs().stream()
                    .mapToDouble(epoch -> epoch.values().getOrDefault("train_loss", Double.NaN))
                    .toArray();
            System.out.printf(
                    "%-10s loss of epoch 1 %.3f, of epoch %d %.3f%n", name, losses[0], EPOCHS, losses[EPOCHS - 1]);
            return losses;
        }
    }
}
