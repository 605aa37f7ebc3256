// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.privacy.Clip;
import io.backpack4j.privacy.DpSgd;
import io.backpack4j.privacy.PrivacyBudget;
import io.backpack4j.privacy.accountant.NoiseCalibration;
import io.backpack4j.privacy.accountant.PrvAccountant;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.metric.Accuracy;
import io.backpack4j.training.optimizer.SGD;

/**
 * Differentially private training.
 *
 * <p>Every sample's gradient is clipped within the pass, min(1, C/‖g‖) · g, none is stored, and noise is added. The
 * noise is chosen so that the steps stay within ε = 3; the run would stop before the step that exceeds it.
 */
public final class PrivateTraining {

    private PrivateTraining() {}

    public static void main(String[] arguments) {
        double rate = 0.2;
        int epochs = 8;
        double noise = NoiseCalibration.noiseFor(new PrvAccountant(), 3, 1e-4, rate, (int) (epochs / rate));
        System.out.printf("noise multiplier %.3f%n", noise);
        DpSgd optimizer = new DpSgd(new SGD(0.5), Clip.flat(1), noise, PrivacyBudget.of(3, 1e-4));
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(optimizer)
                    .batch(80)
                    .epochs(epochs)
                    .metric(new Accuracy())
                    .validation(Digits.source(400, 512))
                    .build()
                    .fit(Digits.source(0, 400));
            System.out.printf(
                    "ε spent %.3f, accuracy of held-out digits %.2f (400 samples are few for privacy)%n",
                    result.last().get("epsilon"), result.last().get("valid_accuracy"));
        }
    }
}
