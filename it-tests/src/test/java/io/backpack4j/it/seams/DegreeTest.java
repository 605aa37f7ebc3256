// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Degrees in the loss's factor are what signals and contractions say: sessions rescale by them. */
class DegreeTest {

    private static final int N = 4;
    private static final int CLASSES = 3;

    private static Map<String, double[]> run(BackPack backpack, LossReduction reduction) {
        Graph graph = Graph.sequential(new Linear(2, 4, false), new Sigmoid(), new Linear(4, CLASSES, false));
        Random random = new Random(1);
        var extension = new EveryContraction(Map.of(
                "loss gradient", 1L,
                "root of the loss Hessian", (long) CLASSES,
                "loss gradient at 2 drawn targets", 2L));
        try (Model model = backpack.model(graph, new CrossEntropyLoss(reduction), DType.FLOAT64, Shape.of(2));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input(
                                Graph.INPUT,
                                Shape.of(N, 2),
                                random.doubles(N * 2, -1, 1).toArray())
                        .targets(Shape.of(N), new long[] {0, 2, 1, 1})
                        .build()) {
            model.parameters().initialize(1);
            Map<String, double[]> arrays = new TreeMap<>();
            try (Results results = backpack.plan(model, batch, List.of(Request.of(extension)), PassOptions.DEFAULT)
                    .run(batch)) {
                results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
            }
            return arrays;
        }
    }

    @Test
    void a_result_is_its_degree_s_power_of_the_factor_times_that_of_the_factor_one() {
        double c = 1.0 / N;
        Set<String> seen = new TreeSet<>();
        try (BackPack backpack = BackPack.builder().backend("cpu").threads(2).build()) {
            Map<String, double[]> mean = run(backpack, LossReduction.MEAN);
            run(backpack, LossReduction.SUM).forEach((name, values) -> {
                int power = name.lastIndexOf('^');
                if (power > 0) {
                    double factor = Math.pow(c, Double.parseDouble(name.substring(power + 1)));
                    double[] expected =
                            Arrays.stream(values).map(value -> factor * value).toArray();
                    // Above the last parameter there is no non-linear node.
                    if (!name.startsWith("2.") || !name.contains("non-linear")) {
                        assertThat(Arrays.stream(expected)).as(name).anyMatch(value -> Math.abs(value) > 1e-6);
                    }
                    assertThat(mean.get(name)).as(name).containsExactly(expected, within(1e-12));
                    seen.add(name.substring(name.lastIndexOf('/') + 1, name.indexOf(" of ")));
                }
            });
        }
        for (Class<?> contraction : Contraction.class.getPermittedSubclasses()) {
            // Those over positions give what those of expanded columns give, which PositionsTest compares; a linear
            // layer has no rows to look up, which LookedUpRowsTest has in sessions.
            String name = contraction.getSimpleName();
            if (!name.endsWith("OverPositions") && !name.startsWith("LookedUp")) {
                assertThat(seen).contains(name);
            }
        }
    }
}
