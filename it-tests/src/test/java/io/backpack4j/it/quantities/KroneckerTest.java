// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.KroneckerFactors;
import io.backpack4j.it.oracle.Curvature;
import io.backpack4j.it.oracle.Curvature.Convention;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** KFAC, KFLR and KFRA against the dense oracle and against each other. */
class KroneckerTest {

    private static final List<String> LOSSES = List.of("CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss");

    /** Two layers on samples of shape {@code [positions…, 3]}, with outputs of shape {@code [positions…, 4]}. */
    private static Problem layers(String loss, String reduction, int samples, int... positions) {
        Random random = new Random(samples);
        ModelDescription model = Networks.model(
                loss,
                reduction,
                Networks.linear("0", 3, 5),
                Networks.node("1", "Tanh", Map.of()),
                Networks.linear("2", 5, 4));
        int[] in = join(samples, positions, 3);
        int[] out = join(samples, positions, 4);
        int terms = Arrays.stream(out).reduce(1, (a, b) -> a * b);
        Numbers targets = new Numbers(out, random.doubles(terms).toArray());
        if (loss.equals("CrossEntropyLoss")) {
            // The classes are the first axis behind the batch.
            int[] labels = IntStream.concat(
                            IntStream.of(samples), Arrays.stream(out).skip(2))
                    .toArray();
            int count = Arrays.stream(labels).reduce(1, (a, b) -> a * b);
            double[] classes = IntStream.range(0, count)
                    .mapToDouble(i -> random.nextInt(out[1]))
                    .toArray();
            targets = new Numbers(labels, classes);
        }
        return new Problem(
                model, Map.of("input", Networks.normal(random, in)), targets, Networks.parameters(random, model));
    }

    private static int[] join(int first, int[] middle, int last) {
        return IntStream.concat(IntStream.concat(IntStream.of(first), Arrays.stream(middle)), IntStream.of(last))
                .toArray();
    }

    private static Request<?> request(Passes passes, String type, Convention convention) {
        return passes.request(type, Map.of("convention", convention.name().toLowerCase(Locale.ROOT)));
    }

    /** The results of one name: {@code 0.weight/kflr/0} becomes {@code 0.weight/0}. */
    private static Map<String, double[]> only(String name, Map<String, double[]> results) {
        Map<String, double[]> selected = new TreeMap<>();
        results.forEach((key, values) -> {
            if (key.contains("/" + name + "/")) {
                selected.put(key.replace("/" + name + "/", "/"), values);
            }
        });
        return selected;
    }

    private static Map<String, double[]> run(Passes passes, Problem problem, Request<?> request, PassOptions options) {
        return only(request.name(), passes.run(problem, List.of(request), options));
    }

    @ParameterizedTest
    @EnumSource
    void kflr_is_that_of_the_oracle(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (String loss : LOSSES) {
                for (int[] positions : new int[][] {{}, {3}, {2, 3}}) {
                    Problem problem = layers(loss, "mean", 3, positions);
                    Curvature curvature = new Curvature(problem);
                    for (Convention convention : Convention.values()) {
                        setting.assertClose(
                                loss + " with positions " + Arrays.toString(positions) + " " + convention,
                                run(passes, problem, request(passes, "KFLR", convention), PassOptions.DEFAULT),
                                curvature.kflr(convention));
                    }
                    setting.assertClose(
                            loss,
                            run(passes, problem, passes.request("KFLR", Map.of()), PassOptions.DEFAULT),
                            curvature.kflr(Convention.EXPAND));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_residual_network_has_kflr_too(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (String loss : LOSSES) {
                Problem problem = Networks.residual(loss, "sum", 3);
                setting.assertClose(
                        loss,
                        run(passes, problem, passes.request("KFLR", Map.of()), PassOptions.DEFAULT),
                        new Curvature(problem).kflr(Convention.EXPAND));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"KFLR, EXPAND", "KFLR, REDUCE", "KFLR, BACKPACK", "KFAC, EXPAND", "KFAC, REDUCE", "KFAC, BACKPACK"})
    void chunks_and_blocks_change_nothing(String type, Convention convention) {
        Problem problem = layers("CrossEntropyLoss", "mean", 5, 3);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Request<?> request = request(passes, type, convention);
            Map<String, double[]> whole = run(passes, problem, request, PassOptions.DEFAULT);
            for (int chunk : new int[] {1, 2, 5}) {
                for (int block : new int[] {1, 2, 5}) {
                    Setting.FLOAT64.assertClose(
                            "chunks of %d, blocks of %d".formatted(chunk, block),
                            run(
                                    passes,
                                    problem,
                                    request,
                                    PassOptions.DEFAULT.chunk(chunk).block(block)),
                            whole);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void at_one_sample_without_sharing_the_factors_make_the_block(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (String loss : LOSSES) {
                Problem problem = layers(loss, "mean", 1);
                Curvature curvature = new Curvature(problem);
                Map<String, double[]> factors =
                        run(passes, problem, passes.request("KFLR", Map.of()), PassOptions.DEFAULT);
                for (String layer : List.of("0", "2")) {
                    double[] product = kronecker(factors.get(layer + ".weight/0"), factors.get(layer + ".weight/1"));
                    setting.assertClose(loss, product, curvature.block(layer + ".weight"));
                    setting.assertClose(loss, factors.get(layer + ".bias/0"), curvature.block(layer + ".bias"));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_factor_of_a_bias_is_its_block(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (String loss : LOSSES) {
                Problem problem = layers(loss, "sum", 4, 2);
                Curvature curvature = new Curvature(problem);
                Map<String, double[]> factors =
                        run(passes, problem, passes.request("KFLR", Map.of()), PassOptions.DEFAULT);
                for (String bias : List.of("0.bias", "2.bias")) {
                    setting.assertClose(loss, factors.get(bias + "/0"), curvature.block(bias));
                }
            }
        }
    }

    private static double[] kronecker(double[] left, double[] right) {
        int m = (int) Math.round(Math.sqrt(left.length));
        int n = (int) Math.round(Math.sqrt(right.length));
        double[] product = new double[m * n * m * n];
        for (int i = 0; i < product.length; i++) {
            int row = i / (m * n);
            int column = i % (m * n);
            product[i] = left[row / n * m + column / n] * right[row % n * n + column % n];
        }
        return product;
    }

    /** The distance of KFAC from KFLR, relative to KFLR, over all output sides. */
    private static double distance(Map<String, double[]> kfac, Map<String, double[]> kflr) {
        double error = 0;
        double size = 0;
        for (String name : kflr.keySet()) {
            if (name.endsWith("/0")) {
                for (int i = 0; i < kflr.get(name).length; i++) {
                    error += Math.pow(kfac.get(name)[i] - kflr.get(name)[i], 2);
                    size += Math.pow(kflr.get(name)[i], 2);
                }
            }
        }
        return Math.sqrt(error / size);
    }

    @Test
    void kfac_tends_to_kflr_like_one_over_the_root_of_the_draws() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (String loss : LOSSES) {
                Problem problem = layers(loss, "mean", 4);
                Map<String, double[]> kflr =
                        run(passes, problem, passes.request("KFLR", Map.of()), PassOptions.DEFAULT);
                int[] draws = {4, 64, 1024};
                double[] mean = new double[draws.length];
                int seeds = 24;
                for (int i = 0; i < draws.length; i++) {
                    Request<?> request = passes.request("KFAC", Map.of("mc_samples", draws[i]));
                    for (int seed = 0; seed < seeds; seed++) {
                        Map<String, double[]> kfac = only(
                                "kfac",
                                passes.run(
                                        problem,
                                        List.of(request),
                                        PassOptions.DEFAULT.block(256),
                                        seed,
                                        LongStream.range(0, 4).toArray()));
                        mean[i] += distance(kfac, kflr) / seeds;
                    }
                }
                double slope = Math.log(mean[2] / mean[0]) / Math.log(draws[2] / draws[0]);
                assertThat(slope).as(loss + " " + Arrays.toString(mean)).isBetween(-0.6, -0.4);
            }
        }
    }

    @Test
    void kfac_is_unbiased() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (String loss : LOSSES) {
                Problem problem = layers(loss, "mean", 3, 2);
                Map<String, double[]> kflr =
                        run(passes, problem, passes.request("KFLR", Map.of()), PassOptions.DEFAULT);
                Request<?> request = passes.request("KFAC", Map.of());
                int seeds = 600;
                Map<String, double[]> sum = new TreeMap<>();
                Map<String, double[]> squares = new TreeMap<>();
                for (int seed = 0; seed < seeds; seed++) {
                    only("kfac", passes.run(problem, List.of(request), PassOptions.DEFAULT, seed, 0, 1, 2))
                            .forEach((name, values) -> {
                                double[] total = sum.computeIfAbsent(name, key -> new double[values.length]);
                                double[] square = squares.computeIfAbsent(name, key -> new double[values.length]);
                                for (int i = 0; i < values.length; i++) {
                                    total[i] += values[i];
                                    square[i] += values[i] * values[i];
                                }
                            });
                }
                assertUnbiased(loss, seeds, sum, squares, kflr);
            }
        }
    }

    /** The mean z² of all entries is about one, and no entry lies far out. */
    private static void assertUnbiased(
            String what,
            int count,
            Map<String, double[]> sum,
            Map<String, double[]> squares,
            Map<String, double[]> expected) {
        double total = 0;
        int entries = 0;
        for (String name : expected.keySet()) {
            for (int i = 0; i < expected.get(name).length; i++) {
                double mean = sum.get(name)[i] / count;
                double variance = squares.get(name)[i] / count - mean * mean;
                double difference = mean - expected.get(name)[i];
                if (variance < 1e-20) {
                    assertThat(Math.abs(difference)).as(what + " " + name).isLessThan(1e-9);
                    continue;
                }
                double z = difference / Math.sqrt(variance / count);
                assertThat(Math.abs(z)).as(what + " " + name + " " + i).isLessThan(5);
                total += z * z;
                entries++;
            }
        }
        assertThat(total / entries).as(what).isLessThan(3);
    }

    @ParameterizedTest
    @EnumSource
    void the_empirical_factors_are_those_of_the_gradients(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (String reduction : List.of("mean", "sum")) {
                int samples = 4;
                Problem problem = layers("MSELoss", reduction, samples);
                Map<String, double[]> results = passes.run(
                        problem,
                        List.of(
                                passes.request("KFAC", Map.of("fisher", "empirical")),
                                passes.request("BatchGrad", Map.of())),
                        PassOptions.DEFAULT);
                double c = reduction.equals("sum") ? 1 : 1.0 / (samples * 4);
                for (String layer : List.of("0", "2")) {
                    double[] gradients = results.get(layer + ".bias/grad_batch");
                    int size = gradients.length / samples;
                    double[] expected = new double[size * size];
                    for (int n = 0; n < samples; n++) {
                        for (int i = 0; i < expected.length; i++) {
                            expected[i] += gradients[n * size + i / size] * gradients[n * size + i % size] / c;
                        }
                    }
                    setting.assertClose(reduction, results.get(layer + ".bias/kfac/0"), expected);
                    setting.assertClose(reduction, results.get(layer + ".weight/kfac/0"), expected);
                }
            }
        }
    }

    @Test
    void the_input_side_is_shared() {
        Problem problem = layers("CrossEntropyLoss", "mean", 3);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Map<String, double[]> results = passes.run(
                    problem,
                    List.of(
                            passes.request("KFLR", Map.of()),
                            passes.request("KFAC", Map.of("mc_samples", 2)),
                            passes.request("KFAC", Map.of("fisher", "empirical", "as", "empirical"))),
                    PassOptions.DEFAULT);
            assertThat(results.get("0.weight/kfac/1")).isEqualTo(results.get("0.weight/kflr/1"));
            assertThat(results.get("0.weight/empirical/1")).isEqualTo(results.get("0.weight/kflr/1"));
        }
    }

    @Test
    void equal_signals_are_propagated_once() {
        Problem problem = layers("CrossEntropyLoss", "mean", 3);
        try (Passes passes = new Passes(Setting.FLOAT64);
                Model model = passes.backpack().model(problem.model(), DType.FLOAT64, Shape.of(3));
                Batch batch = passes.backpack()
                        .batch(DType.FLOAT64)
                        .input("input", Shape.of(3, 3), new double[9])
                        .targets(Shape.of(3), new long[3])
                        .build()) {
            List<Request<?>> requests = List.of(
                    passes.request("KFLR", Map.of()),
                    passes.request("KFLR", Map.of("convention", "reduce", "as", "reduced")),
                    passes.request("KFAC", Map.of()),
                    passes.request("KFAC", Map.of("convention", "reduce", "as", "drawn")),
                    passes.request("KFAC", Map.of("fisher", "empirical", "as", "empirical")),
                    passes.request("KFRA", Map.of()));
            assertThat(passes.backpack()
                            .plan(model, batch, requests, PassOptions.DEFAULT)
                            .signals())
                    .containsExactlyInAnyOrder(
                            "loss gradient",
                            "root of the loss Hessian, reduced",
                            "loss gradient at 1 drawn targets",
                            "averaged Hessian of the loss");
        }
    }

    private static Problem tied() {
        Random random = new Random(1);
        ModelDescription own =
                Networks.model("MSELoss", "mean", Networks.linear("0", 3, 3), Networks.node("1", "Tanh", Map.of()));
        NodeDescription second = Networks.linear("2", 3, 3);
        NodeDescription tied = new NodeDescription(
                "2", "Linear", second.arguments(), List.of(), second.frozen(), Map.of("weight", "0.weight"));
        List<NodeDescription> nodes = List.of(own.nodes().get(0), own.nodes().get(1), tied);
        ModelDescription model = new ModelDescription(nodes, own.inputs(), own.output(), own.loss());
        Map<String, Numbers> parameters = new LinkedHashMap<>(Networks.parameters(random, own));
        parameters.put("2.bias", Networks.normal(random, 3));
        return new Problem(
                model, Map.of("input", Networks.normal(random, 2, 3)), Networks.normal(random, 2, 3), parameters);
    }

    /** The same network with a weight of its own in place of the shared one. */
    private static Problem written(Problem tied) {
        List<NodeDescription> nodes = tied.model().nodes().stream()
                .map(node -> new NodeDescription(node.name(), node.type(), node.arguments(), node.inputs()))
                .toList();
        ModelDescription model = new ModelDescription(
                nodes,
                tied.model().inputs(),
                tied.model().output(),
                tied.model().loss());
        Map<String, Numbers> parameters = new LinkedHashMap<>(tied.parameters());
        parameters.put("2.weight", tied.parameters().get("0.weight"));
        return new Problem(model, tied.inputs(), tied.targets(), parameters);
    }

    @ParameterizedTest
    @ValueSource(strings = {"KFLR", "KFAC"})
    void a_shared_weight_has_the_sum_of_the_output_sides_and_the_mean_of_the_input_sides(String type) {
        Problem problem = tied();
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Request<?> request = passes.request(type, Map.of("as", "k"));
            Map<String, double[]> own = passes.run(written(problem), List.of(request), PassOptions.DEFAULT);
            for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(1))) {
                Map<String, double[]> shared = passes.run(problem, List.of(request), options);
                double[] outputs = combined(own.get("0.weight/k/0"), own.get("2.weight/k/0"), 1);
                double[] inputs = combined(own.get("0.weight/k/1"), own.get("2.weight/k/1"), 0.5);
                Setting.FLOAT64.assertClose("output side", shared.get("0.weight/k/0"), outputs);
                Setting.FLOAT64.assertClose("input side", shared.get("0.weight/k/1"), inputs);
                Setting.FLOAT64.assertClose("bias", shared.get("2.bias/k/0"), own.get("2.bias/k/0"));
            }
        }
    }

    private static double[] combined(double[] a, double[] b, double factor) {
        double[] sum = new double[a.length];
        Arrays.setAll(sum, i -> factor * (a[i] + b[i]));
        return sum;
    }

    @ParameterizedTest
    @EnumSource
    void kfra_is_that_of_the_oracle(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (String loss : LOSSES) {
                for (int[] positions : new int[][] {{}, {3}}) {
                    Problem problem = layers(loss, "mean", 3, positions);
                    Curvature curvature = new Curvature(problem);
                    for (Convention convention : Convention.values()) {
                        setting.assertClose(
                                loss + " with positions " + Arrays.toString(positions) + " " + convention,
                                run(passes, problem, request(passes, "KFRA", convention), PassOptions.DEFAULT),
                                curvature.kfra(convention));
                    }
                    Request<?> some = passes.request("KFRA", Map.of("parameters", List.of("2.*")));
                    assertThat(run(passes, problem, some, PassOptions.DEFAULT))
                            .containsOnlyKeys("2.weight/0", "2.weight/1", "2.bias/0");
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void at_one_sample_kfra_is_kflr(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (String loss : LOSSES) {
                Problem problem = layers(loss, "sum", 1, 2);
                setting.assertClose(
                        loss,
                        run(passes, problem, passes.request("KFRA", Map.of()), PassOptions.DEFAULT),
                        run(passes, problem, passes.request("KFLR", Map.of()), PassOptions.DEFAULT));
            }
        }
    }

    @Test
    void kfra_leaves_other_results_alone_and_takes_all_columns_at_once() {
        Problem problem = layers("MSELoss", "mean", 3, 2);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Request<?> kfra = passes.request("KFRA", Map.of());
            Request<?> kflr = passes.request("KFLR", Map.of());
            Map<String, double[]> alone = passes.run(problem, List.of(kfra), PassOptions.DEFAULT);
            Map<String, double[]> both = passes.run(problem, List.of(kfra, kflr), PassOptions.DEFAULT.block(1));
            Setting.FLOAT64.assertClose("kfra", only("kfra", both), only("kfra", alone));
            Setting.FLOAT64.assertClose("kflr", only("kflr", both), new Curvature(problem).kflr(Convention.EXPAND));
        }
    }

    @Test
    void kfra_refuses_what_it_cannot_do() {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Request<?> kfra = passes.request("KFRA", Map.of());
            Problem chain = layers("MSELoss", "mean", 3);
            assertThatThrownBy(() -> run(passes, chain, kfra, PassOptions.DEFAULT.chunk(2)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[NotMergeable]")
                    .hasMessageContaining("KFRA averages over the whole batch");
            assertThatThrownBy(() -> run(passes, chain, kfra, PassOptions.DEFAULT.memory(100)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageStartingWith(
                            "[MemoryBudget] The pass does not fit into 100 bytes. The smallest budget that would do is ");

            Random random = new Random(1);
            ModelDescription forked = Networks.model(
                    "MSELoss",
                    "mean",
                    Networks.linear("0", 3, 3),
                    Networks.node("1", "Tanh", Map.of()),
                    Networks.node("2", "Sum", Map.of(), "1", "0"));
            Problem fork = new Problem(
                    forked,
                    Map.of("input", Networks.normal(random, 2, 3)),
                    Networks.normal(random, 2, 3),
                    Networks.parameters(random, forked));
            assertThatThrownBy(() -> run(passes, fork, kfra, PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("the output of node '0' (Linear) is read 2 times")
                    .hasMessageContaining("node '2' (Sum) joins 2");
            assertThatThrownBy(() -> run(passes, tied(), kfra, PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[NotAChain]")
                    .hasMessageContaining("'0.weight' is used 2 times, last by node '2' (Linear)");
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_residual_network_has_kfra_above_its_merge(Setting setting) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 3);
        try (Passes passes = new Passes(setting)) {
            // The merge takes the input of the network: one path only.
            setting.assertClose(
                    "residual",
                    run(passes, problem, passes.request("KFRA", Map.of()), PassOptions.DEFAULT),
                    new Curvature(problem).kfra(Convention.EXPAND));
        }
    }

    @ParameterizedTest
    @EnumSource
    void results_have_an_algebra(Setting setting) {
        Problem problem = layers("MSELoss", "mean", 1);
        try (Passes passes = new Passes(setting);
                Model model = passes.backpack().model(problem.model(), setting.dtype(), Shape.of(3));
                Batch batch = passes.backpack()
                        .batch(setting.dtype())
                        .input(
                                "input",
                                Shape.of(1, 3),
                                problem.inputs().get("input").values())
                        .targets(Shape.of(1, 4), problem.targets().values())
                        .build()) {
            problem.parameters().forEach((name, numbers) -> model.parameters().set(name, numbers.values()));
            KFLR kflr = new KFLR();
            try (Results results = passes.backpack().compute(model, batch, kflr);
                    TensorScope scope = passes.backpack().backend().openScope()) {
                Curvature curvature = new Curvature(problem);
                for (String name : List.of("0.weight", "0.bias", "2.weight")) {
                    KroneckerFactors factors = results.get(kflr, name);
                    double[] block = curvature.block(name);
                    setting.assertClose(name, factors.dense(scope).toDoubleArray(), block);
                    Tensor gradient = results.gradient(name);
                    Tensor vector = scope.view(gradient, gradient.shape().prepend(1));
                    double[] values = gradient.toDoubleArray();
                    double[] expected = new double[values.length];
                    for (int i = 0; i < block.length; i++) {
                        expected[i / values.length] += block[i] * values[i % values.length];
                    }
                    setting.assertClose(name, factors.multiply(scope, vector).toDoubleArray(), expected);
                    KroneckerFactors inverse = factors.dampedInverse(scope, 0.5);
                    assertThat(inverse.multiply(scope, vector).toDoubleArray()).hasSize(values.length);
                    assertThat(factors.logDeterminant(0.5)).isFinite();
                }
                assertThat(results.get(kflr, "0.weight").parameter()).isEqualTo(Shape.of(5, 3));
            }
        }
    }
}
