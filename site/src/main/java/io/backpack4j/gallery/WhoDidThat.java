// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.influence.Influence;
import io.backpack4j.influence.Influential;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.optimizer.Adam;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Influence: which training samples made a prediction.
 *
 * <p>−g_tᵀ (B + λI)⁻¹ g_n says by how much the loss of a test digit changes if training digit n counts more. The
 * picture shows the test digit, then the five that changed its loss most.
 */
public final class WhoDidThat {

    private static final int TEST = 407;

    private WhoDidThat() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : ".");
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 16), new Tanh(), new Linear(16, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28))) {
            Trainer.builder(backpack, model)
                    .optimizer(new Adam(3e-3))
                    .batch(50)
                    .epochs(10)
                    .build()
                    .fit(Digits.source(0, 300));
            CurvatureExtension<?> curvature =
                    (CurvatureExtension<?>) backpack.catalog().extension("KFLR", Map.of());
            try (Influence influence = Influence.of(backpack, model, curvature, 1e-2, Digits.source(0, 300));
                    Batch test = Digits.batch(backpack, DType.FLOAT32, TEST, TEST + 1)) {
                long[] labels = Digits.labels(0, 512);
                System.out.println("test digit: a " + labels[TEST]);
                List<double[]> images = new ArrayList<>(List.of(image(TEST)));
                List<String> captions = new ArrayList<>(List.of("test: " + labels[TEST]));
                for (Influential one : influence.topK(test, 5).get(0)) {
                    System.out.printf(
                            "training digit %3d, a %d: %s the loss%n",
                            one.id(), labels[(int) one.id()], one.score() < 0 ? "lowers" : "raises");
                    images.add(image((int) one.id()));
                    captions.add((one.score() < 0 ? "lowers: " : "raises: ") + labels[(int) one.id()]);
                }
                Picture.images(folder.resolve("influence.svg"), images, captions);
            }
        }
    }

    private static double[] image(int n) {
        float[] pixels = Digits.pixels(n, n + 1);
        return IntStream.range(0, pixels.length).mapToDouble(i -> pixels[i]).toArray();
    }
}
