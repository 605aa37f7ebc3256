// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Results that leave the pass while it runs.
 *
 * <p>400 individual gradients of a network with 50,890 parameters are 78 MiB. A taker gets them part by part and keeps
 * what it wants of them, here the largest entry: the pass needs a budget of 24 MiB.
 */
public final class HandedOver {

    private HandedOver() {}

    public static void main(String[] arguments) {
        Graph graph = Graph.sequential(new Flatten(), new Linear(784, 64), new ReLU(), new Linear(64, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT32, 0, 400)) {
            model.parameters().initialize(0);
            PassOptions options = PassOptions.DEFAULT.memory(24 << 20).handingOver();
            Plan plan = backpack.plan(model, batch, List.of(Request.of(new BatchGrad())), options);
            AtomicInteger parts = new AtomicInteger();
            double[] largest = {0};
            RunOptions run = RunOptions.seed(0).taker((name, whole, origin, part) -> {
                if (name.endsWith("/grad_batch")) {
                    parts.incrementAndGet();
                    for (float value : part.toFloatArray()) {
                        largest[0] = Math.max(largest[0], Math.abs(value));
                    }
                }
            });
            try (Results results = plan.run(batch, run)) {
                System.out.printf(
                        "loss %.4f, peak %.1f MiB, %s parts, largest entry %.5f%n",
                        results.loss(), plan.peakBytes() / 1048576.0, parts.get() > 4 ? "several" : "few", largest[0]);
            }
        }
    }
}
