// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.optimizer.Adam;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Outliers: samples with the longest gradients.
 *
 * <p>Ten of 300 digits get a wrong label. Gradients are long where a sample contradicts what the network has learned:
 * wrong labels, and digits that are hard to read. The picture shows the eight longest.
 */
public final class GradientOutliers {

    private static final int SAMPLES = 300;
    private static final int WRONG = 10;

    private GradientOutliers() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : ".");
        float[] pixels = Digits.pixels(0, SAMPLES);
        long[] labels = Digits.labels(0, SAMPLES);
        for (int k = 0; k < WRONG; k++) {
            labels[30 * k] = (labels[30 * k] + 5) % 10;
        }
        ArraySource data = ArraySource.of(Shape.of(1, 28, 28), pixels, labels);
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 32), new ReLU(), new Linear(32, 10));
        BatchL2Grad norms = new BatchL2Grad();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            Trainer.builder(backpack, model)
                    .optimizer(new Adam(2e-3))
                    .batch(50)
                    .epochs(8)
                    .build()
                    .fit(data);
            try (Batch batch = backpack.batch(DType.FLOAT32)
                            .input(Graph.INPUT, Shape.of(SAMPLES, 1, 28, 28), pixels)
                            .targets(Shape.of(SAMPLES), labels)
                            .build();
                    Results results = backpack.compute(model, batch, norms)) {
                double[] lengths = new double[SAMPLES];
                for (String parameter : model.parameters().trainable()) {
                    float[] squares = results.get(norms, parameter).toFloatArray();
                    IntStream.range(0, SAMPLES).forEach(n -> lengths[n] += squares[n]);
                }
                List<Integer> longest = IntStream.range(0, SAMPLES)
                        .boxed()
                        .sorted(Comparator.comparingDouble(n -> -lengths[n]))
                        .limit(WRONG)
                        .toList();
                List<double[]> images = new ArrayList<>();
                List<String> captions = new ArrayList<>();
                for (int n : longest) {
                    System.out.printf(
                            "sample %3d  label %d  ‖g‖ %.4f  %s%n",
                            n, labels[n], Math.sqrt(lengths[n]), n % 30 == 0 ? "wrong label" : "");
                    images.add(IntStream.range(0, Digits.SIZE)
                            .mapToDouble(i -> pixels[n * Digits.SIZE + i])
                            .toArray());
                    captions.add("label " + labels[n]);
                }
                System.out.printf(
                        "%d of the %d longest have a wrong label%n",
                        longest.stream().filter(n -> n % 30 == 0).count(), WRONG);
                Picture.images(folder.resolve("outliers.svg"), images.subList(0, 8), captions.subList(0, 8));
            }
        }
    }
}
