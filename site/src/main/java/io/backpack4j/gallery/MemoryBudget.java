// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/**
 * Curvature in little memory: budgets instead of loops over outputs.
 *
 * <p>An auto-encoder has 784 outputs, and the exact diagonal of its Gauss-Newton matrix a column for each. A budget is
 * all one says: the plan splits the batch into chunks and the columns into blocks, and the numbers stay the same.
 */
public final class MemoryBudget {

    private MemoryBudget() {}

    public static void main(String[] arguments) {
        int samples = 16;
        float[] pixels = Digits.pixels(0, samples);
        double[] targets = new double[pixels.length];
        for (int i = 0; i < targets.length; i++) {
            targets[i] = pixels[i];
        }
        Graph graph = Graph.sequential(
                new Flatten(), new Linear(784, 32), new ReLU(), new Linear(32, 16), new ReLU(), new Linear(16, 784));
        DiagGGNExact diagonal = new DiagGGNExact();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new MSELoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(samples, 1, 28, 28), pixels)
                        .targets(Shape.of(samples, 784), targets)
                        .build()) {
            model.parameters().initialize(0);
            float[] unlimited = {};
            for (PassOptions options : List.of(
                    PassOptions.DEFAULT, PassOptions.DEFAULT.memory(8 << 20), PassOptions.DEFAULT.memory(4 << 20))) {
                Plan plan = backpack.plan(model, batch, List.of(Request.of(diagonal)), options);
                try (Results results = plan.run(batch, 0)) {
                    float[] values = results.get(diagonal, "1.weight").toFloatArray();
                    if (unlimited.length == 0) {
                        unlimited = values;
                    }
                    double worst = 0;
                    for (int i = 0; i < values.length; i++) {
                        worst = Math.max(worst, Math.abs(values[i] - unlimited[i]));
                    }
                    System.out.printf(
                            "%-10s %2d samples, %3s columns at a time: peak %5.1f MiB, same numbers: %b%n",
                            options.memoryBytes().isPresent()
                                    ? (options.memoryBytes().getAsLong() >> 20) + " MiB"
                                    : "unlimited",
                            plan.chunkSamples(),
                            plan.blockColumns() < 784 ? plan.blockColumns() : "all",
                            plan.peakBytes() / 1048576.0,
                            worst < 1e-6);
                }
            }
        }
    }
}
