// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.LongStream;

/**
 * Sessions: quantities of a whole data set.
 *
 * <p>512 digits in batches of 128, two of them in a session that is saved to a file, as another process would. The
 * variance and the Kronecker factors are those of one pass over all of them.
 */
public final class Sessions {

    private Sessions() {}

    public static void main(String[] arguments) throws IOException {
        Path file = Files.createTempDirectory("session").resolve("session.safetensors");
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 10));
        Variance variance = new Variance();
        KFAC kfac = new KFAC(1);
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(1, 28, 28))) {
            model.parameters().initialize(0);
            try (Session there = backpack.session(model, variance, kfac)) {
                add(there, backpack, 0, 128);
                add(there, backpack, 128, 256);
                SessionFile.save(there, file);
            }
            try (Session here = backpack.session(model, variance, kfac)) {
                add(here, backpack, 256, 384);
                add(here, backpack, 384, 512);
                SessionFile.load(here, file);
                try (Results merged = here.results();
                        Batch all = Digits.batch(backpack, DType.FLOAT64, 0, 512);
                        Results once = backpack.compute(model, all, variance)) {
                    double[] a = merged.get(variance, "1.weight").toDoubleArray();
                    double[] b = once.get(variance, "1.weight").toDoubleArray();
                    double worst = 0;
                    double largest = 0;
                    for (int i = 0; i < a.length; i++) {
                        worst = Math.max(worst, Math.abs(a[i] - b[i]));
                        largest = Math.max(largest, b[i]);
                    }
                    System.out.printf(
                            "%d samples in %d batches, loss %.6f and %.6f%n",
                            here.samples(), here.batches(), merged.loss(), once.loss());
                    System.out.println("variance is that of one pass: " + (worst < 1e-12 * largest));
                    System.out.println("factors "
                            + merged.get(kfac, "1.weight").output().shape() + " ⊗ "
                            + merged.get(kfac, "1.weight").input().orElseThrow().shape());
                }
            }
        }
    }

    private static void add(Session session, BackPack backpack, int from, int to) {
        try (Batch batch = backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(to - from, 1, 28, 28), Digits.pixels(from, to))
                .targets(Shape.of(to - from), Digits.labels(from, to))
                .sampleIds(LongStream.range(from, to).toArray())
                .build()) {
            session.add(batch);
        }
    }
}
