// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.pruning.FittedCurvature;
import io.backpack4j.pruning.Granularity;
import io.backpack4j.pruning.Masks;
import io.backpack4j.pruning.ModelComparison;
import io.backpack4j.pruning.Saliencies;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.optimizer.Adam;
import java.util.Map;

/**
 * Pruning: what weights are worth.
 *
 * <p>½ h θ² is what the loss is expected to rise by if a weight is taken out. Taking out the half that is worth least
 * hardly changes it. The expectation takes weights one by one and the gradient as zero, so it says too little.
 */
public final class Pruning {

    private Pruning() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 16), new Tanh(), new Linear(16, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch all = Digits.batch(backpack, DType.FLOAT32, 0, 400)) {
            Trainer.builder(backpack, model)
                    .optimizer(new Adam(3e-3))
                    .batch(50)
                    .epochs(60)
                    .build()
                    .fit(Digits.source(0, 400));
            CurvatureExtension<?> curvature =
                    (CurvatureExtension<?>) backpack.catalog().extension("DiagGGNExact", Map.of());
            try (FittedCurvature fitted = FittedCurvature.fit(backpack, model, curvature, Digits.source(0, 400), 100)) {
                double before = loss(backpack, model, all);
                Masks masks = Masks.least(Saliencies.damage(fitted, Granularity.WEIGHT), 0.5, fitted);
                double expected = masks.expectedIncrease(fitted);
                System.out.printf("effective parameters %.0f%n", ModelComparison.effectiveParameters(fitted, 1e-3));
                masks.apply(model);
                System.out.printf(
                        "%d weights taken out: loss %.4f before, expected increase %.5f, measured %.5f%n",
                        masks.count(), before, expected, loss(backpack, model, all) - before);
            }
        }
    }

    private static double loss(BackPack backpack, Model model, Batch batch) {
        try (Results results = backpack.compute(model, batch)) {
            return results.loss();
        }
    }
}
