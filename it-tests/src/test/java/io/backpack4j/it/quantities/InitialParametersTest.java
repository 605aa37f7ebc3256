// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

/** A model of which nobody has set some parameters computes with PyTorch's first values of these. */
class InitialParametersTest {

    private static final long SEED = 11;
    private static final int FEATURES = 9;

    private static BackPack open() {
        return BackPack.builder().backend("cpu").threads(1).seed(SEED).build();
    }

    private static Model model(BackPack backpack) {
        Graph graph = Graph.builder()
                .add("a", new Linear(FEATURES, 40))
                .add("norm", BatchNorm.of(1, 40, Mode.EVAL))
                .add("tanh", new Tanh())
                .add("b", new Linear(40, 2))
                .build();
        return backpack.model(graph, new MSELoss(), DType.FLOAT64, Shape.of(FEATURES));
    }

    private static Batch batch(BackPack backpack) {
        double[] inputs =
                DoubleStream.iterate(0.1, x -> -1.1 * x).limit(3 * FEATURES).toArray();
        return backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(3, FEATURES), inputs)
                .targets(Shape.of(3, 2), new double[6])
                .build();
    }

    private static SortedMap<String, String> all(Model model) {
        SortedMap<String, String> all = new TreeMap<>();
        for (String name : model.parameters().names()) {
            all.put(name, Arrays.toString(model.parameters().get(name).toDoubleArray()));
        }
        return all;
    }

    private static String output(BackPack backpack, Model model, Batch batch, PassOptions options) {
        try (Results results = backpack.compute(model, batch, List.of(), options)) {
            return Arrays.toString(results.output().toDoubleArray());
        }
    }

    @Test
    void a_pass_draws_what_nobody_has_set() {
        try (BackPack backpack = open();
                Model unset = model(backpack);
                Model drawn = model(backpack);
                Batch batch = batch(backpack)) {
            drawn.parameters().initialize(SEED);
            assertThat(output(backpack, unset, batch, PassOptions.DEFAULT))
                    .isEqualTo(output(backpack, drawn, batch, PassOptions.DEFAULT));
            assertThat(all(unset)).isEqualTo(all(drawn));
        }
    }

    @Test
    void so_does_a_pass_within_a_budget() {
        try (BackPack backpack = open();
                Model unset = model(backpack);
                Model drawn = model(backpack);
                Batch batch = batch(backpack)) {
            drawn.parameters().initialize(SEED);
            PassOptions options = PassOptions.DEFAULT.memory(1 << 22);
            assertThat(output(backpack, unset, batch, options)).isEqualTo(output(backpack, drawn, batch, options));
        }
    }

    @Test
    void they_are_pytorchs() {
        try (BackPack backpack = open();
                Model model = model(backpack)) {
            double[] weight = model.parameters().get("a.weight").toDoubleArray();
            double bound = 1 / Math.sqrt(FEATURES);
            assertThat(Arrays.stream(weight).max().orElseThrow()).isBetween(0.95 * bound, bound);
            assertThat(Arrays.stream(weight).min().orElseThrow()).isBetween(-bound, -0.95 * bound);
            // The variance of uniform numbers in [−b, b) is b²/3.
            assertThat(Arrays.stream(weight)
                            .map(value -> value * value)
                            .average()
                            .orElseThrow())
                    .isBetween(0.28 * bound * bound, 0.39 * bound * bound);
            for (double value : model.parameters().get("a.bias").toDoubleArray()) {
                assertThat(Math.abs(value)).isGreaterThan(0).isLessThanOrEqualTo(bound);
            }
            assertThat(model.parameters().get("norm.weight").toDoubleArray()).containsOnly(1);
            assertThat(model.parameters().get("norm.bias").toDoubleArray()).containsOnly(0);
            assertThat(model.parameters().get("norm.running_mean").toDoubleArray())
                    .containsOnly(0);
            assertThat(model.parameters().get("norm.running_var").toDoubleArray())
                    .containsOnly(1);
        }
    }

    @Test
    void only_the_others_are_drawn() {
        double[] own = DoubleStream.iterate(1, x -> x + 1).limit(40L * FEATURES).toArray();
        try (BackPack backpack = open();
                Model model = model(backpack);
                Model drawn = model(backpack);
                Batch batch = batch(backpack)) {
            drawn.parameters().initialize(SEED);
            model.parameters().set("a.weight", own);
            model.parameters().set("b.bias", tensor -> tensor.write(0, new double[] {3, 4}, 0, 2));
            assertThat(model.parameters().isSet("a.weight")).isTrue();
            assertThat(model.parameters().isSet("b.bias")).isTrue();
            assertThat(model.parameters().isSet("b.weight")).isFalse();
            output(backpack, model, batch, PassOptions.DEFAULT);
            assertThat(model.parameters().isSet("b.weight")).isTrue();
            SortedMap<String, String> expected = all(drawn);
            expected.put("a.weight", Arrays.toString(own));
            expected.put("b.bias", "[3.0, 4.0]");
            assertThat(all(model)).isEqualTo(expected);
        }
    }

    @Test
    void what_is_written_into_a_tensor_stays() {
        try (BackPack backpack = open();
                Model model = model(backpack);
                Batch batch = batch(backpack)) {
            model.parameters().get("b.bias").write(0, new double[] {5, 6}, 0, 2);
            output(backpack, model, batch, PassOptions.DEFAULT);
            assertThat(model.parameters().get("b.bias").toDoubleArray()).containsExactly(5, 6);
        }
    }

    @Test
    void passes_that_use_them_first_at_once_see_the_same() throws Exception {
        try (BackPack backpack = open();
                Model model = model(backpack);
                Model drawn = model(backpack);
                Batch batch = batch(backpack)) {
            drawn.parameters().initialize(SEED);
            String expected = output(backpack, drawn, batch, PassOptions.DEFAULT);
            ExecutorService threads = Executors.newFixedThreadPool(4);
            List<Future<String>> outputs = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                outputs.add(threads.submit(() -> output(backpack, model, batch, PassOptions.DEFAULT)));
            }
            for (Future<String> output : outputs) {
                assertThat(output.get()).isEqualTo(expected);
            }
            threads.shutdown();
        }
    }
}
