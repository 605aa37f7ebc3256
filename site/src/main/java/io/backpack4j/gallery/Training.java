// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.formats.ParameterFile;
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
import io.backpack4j.training.Schedule;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.metric.Accuracy;
import io.backpack4j.training.optimizer.AdamW;
import io.backpack4j.training.schedule.CosineAnnealingLR;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Training a small convolutional network.
 *
 * <p>PyTorch's names for optimisers and schedules; validation, metrics, and the parameters in a safetensors file at the
 * end.
 */
public final class Training {

    private Training() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : ".");
        Graph graph =
                Graph.sequential(Conv2d.of(1, 8, 5), new ReLU(), MaxPool2d.of(2), new Flatten(), new Linear(1152, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(new AdamW(4e-3))
                    .schedule(new CosineAnnealingLR(8, 0, Schedule.Every.EPOCH))
                    .clipNorm(5)
                    .batch(50)
                    .epochs(8)
                    .metric(new Accuracy())
                    .validation(Digits.source(400, 512))
                    .build()
                    .fit(Digits.source(0, 400));
            result.epochs()
                    .forEach(epoch -> System.out.printf(
                            "epoch %d  loss %.3f  held-out loss %.3f  accuracy %.2f%n",
                            epoch.epoch(),
                            epoch.values().get("train_loss"),
                            epoch.values().get("valid_loss"),
                            epoch.values().get("valid_accuracy")));
            Picture.lines(
                    folder.resolve("training.svg"),
                    "epoch",
                    List.of("training", "held out"),
                    List.of(curve(result, "train_loss"), curve(result, "valid_loss")));
            Path file = Files.createTempFile("trained", ".safetensors");
            ParameterFile.save(file, model);
            System.out.println("saved " + Files.size(file) / 1024 + " KiB");
            Files.delete(file);
        }
    }

    private static double[] curve(TrainingResult result, String value) {
        return result.epochs().stream()
                .mapToDouble(epoch -> epoch.values().getOrDefault(value, Double.NaN))
                .toArray();
    }
}
