// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.SqrtGGNMC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.MaxPool;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Networks and batches of usual sizes whose budgets once did not hold. */
class BudgetExamplesTest {

    private static final Pattern SMALLEST = Pattern.compile("would do is ([0-9]+) bytes, ");

    @Test
    void a_small_lenet_with_21_samples() {
        Graph lenet = Graph.sequential(
                Conv.of(2, 1, 6, 5).withPadding(2),
                new ReLU(),
                MaxPool.of(2, 2),
                Conv.of(2, 6, 16, 5),
                new ReLU(),
                MaxPool.of(2, 2),
                new Flatten(),
                new Linear(400, 120),
                new ReLU(),
                new Linear(120, 10));
        check(lenet, Shape.of(1, 28, 28), 21, 10, new KFAC());
        check(lenet, Shape.of(1, 28, 28), 21, 10, new Variance());
    }

    @Test
    void a_perceptron_with_50_samples() {
        Graph perceptron = Graph.sequential(new Linear(30, 40), new ReLU(), new Linear(40, 5));
        check(perceptron, Shape.of(30), 50, 5, new SqrtGGNMC(1));
    }

    private static void check(Graph graph, Shape input, int samples, int classes, Extension<?> extension) {
        Random random = new Random(1);
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                Model model = backpack.model(graph, new CrossEntropyLoss(LossReduction.MEAN), DType.FLOAT32, input);
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input(
                                Graph.INPUT,
                                input.prepend(samples),
                                random.doubles(samples * input.elements()).toArray())
                        .targets(
                                Shape.of(samples),
                                random.longs(samples, 0, classes).toArray())
                        .build()) {
            model.parameters().initialize(1);
            List<Request<?>> requests = List.of(Request.of(extension));
            long smallest = smallest(backpack, model, batch, requests, 1);
            assertThat(smallest(backpack, model, batch, requests, smallest - 1))
                    .as("%s, smallest budget", extension)
                    .isEqualTo(smallest);
            for (double multiple : new double[] {1, 1.05, 1.2, 1.8}) {
                long budget = Math.round(multiple * smallest);
                Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT.memory(budget));
                assertThat(plan.peakBytes()).isLessThanOrEqualTo(budget);
                plan.run(batch).close();
            }
        }
    }

    private static long smallest(BackPack backpack, Model model, Batch batch, List<Request<?>> requests, long budget) {
        Throwable refusal =
                catchThrowable(() -> backpack.plan(model, batch, requests, PassOptions.DEFAULT.memory(budget)));
        assertThat(refusal).as("%d bytes", budget).hasMessageStartingWith("[MemoryBudget]");
        Matcher matcher = SMALLEST.matcher(refusal.getMessage());
        assertThat(matcher.find()).as(refusal.getMessage()).isTrue();
        return Long.parseLong(matcher.group(1));
    }
}
