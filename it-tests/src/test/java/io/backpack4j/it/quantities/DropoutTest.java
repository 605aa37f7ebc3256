// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Dropout draws by seed, node, sample id and position, and by nothing else. */
class DropoutTest {

    private static final int N = 7;
    private static final int FEATURES = 12;
    private static final long[] IDS = {5, 0, 90, 1L << 40, 7, 3, -4};

    private static NodeDescription dropout(String name, double p, String mode) {
        return Networks.node(name, "Dropout", Map.of("p", p, "mode", mode));
    }

    /** Dropout between two layers. */
    private static Problem network(double p, String mode) {
        Random random = new Random(3);
        ModelDescription model = Networks.model(
                "MSELoss",
                "mean",
                Networks.linear("0", 5, FEATURES),
                Networks.node("1", "Tanh", Map.of()),
                dropout("drop", p, mode),
                Networks.linear("3", FEATURES, 2));
        return new Problem(
                model,
                Map.of("input", Networks.normal(random, N, 5)),
                Networks.normal(random, N, 2),
                Networks.parameters(random, model));
    }

    /** Ones, dropped by nodes of the given names: the output is the product of the masks. */
    private static Problem masks(double p, int samples, int features, String... names) {
        NodeDescription[] nodes = new NodeDescription[names.length + 1];
        nodes[0] = Networks.linear("ones", 1, features);
        for (int i = 0; i < names.length; i++) {
            nodes[i + 1] = dropout(names[i], p, "train");
        }
        return new Problem(
                Networks.model("MSELoss", "sum", nodes),
                Map.of("input", new Numbers(new int[] {samples, 1}, new double[samples])),
                new Numbers(new int[] {samples, features}, new double[samples * features]),
                Map.of(
                        "ones.weight", new Numbers(new int[] {features, 1}, new double[features]),
                        "ones.bias", new Numbers(new int[] {features}, ones(features))));
    }

    private static double[] ones(int count) {
        return IntStream.range(0, count).mapToDouble(i -> 1).toArray();
    }

    private static double[] mask(Passes passes, Problem masks, long seed, long... ids) {
        return passes.run(masks, List.of(), PassOptions.DEFAULT, seed, ids).get("output");
    }

    private static SortedMap<String, double[]> run(Passes passes, Problem problem, PassOptions options, long... ids) {
        return passes.run(problem, passes.firstOrder(), options, 11, ids);
    }

    @ParameterizedTest
    @EnumSource
    void neither_order_nor_chunks_change_what_is_dropped(Setting setting) {
        Problem problem = network(0.4, "train");
        int[] order = {6, 3, 0, 5, 1, 4, 2};
        long[] ordered = Arrays.stream(order).mapToLong(i -> IDS[i]).toArray();
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> whole = run(passes, problem, PassOptions.DEFAULT, IDS);
            Map<String, double[]> permuted = new TreeMap<>();
            whole.forEach((name, values) -> {
                boolean perSample = name.equals("output") || name.contains("batch");
                Numbers rows = perSample ? new Numbers(new int[] {N, values.length / N}, values) : null;
                permuted.put(name, perSample ? rows.rows(order).values() : values);
            });
            setting.assertClose("permuted", run(passes, problem.pick(order), PassOptions.DEFAULT, ordered), permuted);
            for (long chunk : new long[] {1, 2, 5}) {
                PassOptions options = PassOptions.DEFAULT.chunk(chunk);
                setting.assertClose("chunks of " + chunk, run(passes, problem, options, IDS), whole);
            }
            assertThat(run(passes, problem, PassOptions.DEFAULT, ordered).get("output"))
                    .isNotEqualTo(whole.get("output"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_sample_alone_is_dropped_as_in_a_batch(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            double[] whole = mask(passes, masks(0.5, N, FEATURES, "drop"), 4, IDS);
            for (int n = 0; n < N; n++) {
                double[] alone = mask(passes, masks(0.5, 1, FEATURES, "drop"), 4, IDS[n]);
                assertThat(alone).isEqualTo(Arrays.copyOfRange(whole, n * FEATURES, (n + 1) * FEATURES));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void seeds_nodes_and_samples_are_dropped_differently(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            Problem masks = masks(0.5, N, 100, "drop");
            double[] mask = mask(passes, masks, 4, IDS);
            assertThat(mask(passes, masks, 4, IDS)).isEqualTo(mask);
            assertThat(mask(passes, masks, 5, IDS)).isNotEqualTo(mask);
            assertThat(mask(passes, masks(0.5, N, 100, "other"), 4, IDS)).isNotEqualTo(mask);
            for (int n = 1; n < N; n++) {
                assertThat(Arrays.copyOfRange(mask, n * 100, (n + 1) * 100))
                        .isNotEqualTo(Arrays.copyOfRange(mask, 0, 100));
            }
            double[] equalIds = mask(passes, masks, 4, new long[N]);
            assertThat(Arrays.copyOfRange(equalIds, 100, 200)).isEqualTo(Arrays.copyOfRange(equalIds, 0, 100));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, 0.1",
        "FLOAT32, 0.1",
        "FLOAT32_FALLBACK, 0.1",
        "FLOAT64, 0.5",
        "FLOAT32, 0.5",
        "FLOAT64, 0.8",
        "FLOAT32, 0.8"
    })
    void a_share_of_p_is_dropped_and_the_rest_scaled(Setting setting, double p) {
        int samples = 200;
        int features = 250;
        long[] ids = LongStream.range(0, samples).toArray();
        try (Passes passes = new Passes(setting)) {
            double[] mask = mask(passes, masks(p, samples, features, "drop"), 1, ids);
            double scale = 1 / (1 - p);
            assertThat(Arrays.stream(mask)).allMatch(value -> value == 0 || Math.abs(value - scale) < 1e-6 * scale);
            assertKept(mask, 1 - p);
            assertKept(mask(passes, masks(p, samples, features, "drop", "other"), 1, ids), (1 - p) * (1 - p));
            double[] neighbours = new double[mask.length - features];
            for (int i = 0; i < neighbours.length; i++) {
                neighbours[i] = mask[i] * mask[i + features];
            }
            assertKept(neighbours, (1 - p) * (1 - p));
        }
    }

    /** Five standard deviations of the share. */
    private static void assertKept(double[] mask, double probability) {
        double kept = (double) Arrays.stream(mask).filter(value -> value != 0).count() / mask.length;
        double deviation = Math.sqrt(probability * (1 - probability) / mask.length);
        assertThat(kept).isCloseTo(probability, within(5 * deviation));
    }

    @ParameterizedTest
    @EnumSource
    void all_types_and_kernels_drop_the_same(Setting setting) {
        Problem masks = masks(0.3, N, FEATURES, "drop");
        try (Passes passes = new Passes(setting);
                Passes reference = new Passes(Setting.FLOAT64)) {
            assertThat(mask(passes, masks, 9, IDS)).containsExactly(mask(reference, masks, 9, IDS), within(1e-6));
        }
    }

    @ParameterizedTest
    @EnumSource
    void gradients_go_through_what_is_kept(Setting setting) {
        Problem problem = network(0.4, "train");
        try (Passes passes = new Passes(setting)) {
            double[] mask = mask(passes, masks(0.4, N, FEATURES, "drop"), 11, IDS);
            assertThat(mask).contains(0);
            Map<String, double[]> expected = new FirstOrder(multiplied(problem, mask)).results();
            setting.assertClose("dropped", run(passes, problem, PassOptions.DEFAULT, IDS), expected);
        }
    }

    /** Multiplication with an input instead of dropout. */
    private static Problem multiplied(Problem problem, double[] mask) {
        List<NodeDescription> nodes = problem.model().nodes().stream()
                .map(node ->
                        node.type().equals("Dropout") ? Networks.node(node.name(), "Mul", Map.of(), "1", "mask") : node)
                .toList();
        Map<String, Numbers> inputs = new LinkedHashMap<>(problem.inputs());
        inputs.put("mask", new Numbers(new int[] {N, FEATURES}, mask));
        ModelDescription model = new ModelDescription(
                nodes,
                List.of("input", "mask"),
                Optional.empty(),
                problem.model().loss());
        return new Problem(model, inputs, problem.targets(), problem.parameters());
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, 0, train",
        "FLOAT32, 0, train",
        "FLOAT32_FALLBACK, 0, train",
        "FLOAT64, 0.7, eval",
        "FLOAT32, 0.7, eval",
        "FLOAT32_FALLBACK, 0.7, eval"
    })
    void without_probability_or_in_evaluation_nothing_is_dropped(Setting setting, double p, String mode) {
        Problem problem = network(p, mode);
        Map<String, double[]> expected = new FirstOrder(multiplied(problem, ones(N * FEATURES))).results();
        try (Passes passes = new Passes(setting)) {
            setting.assertClose(mode, run(passes, problem, PassOptions.DEFAULT, IDS), expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void with_probability_one_everything_is_dropped(Setting setting) {
        Problem problem = network(1, "train");
        Map<String, double[]> expected = new FirstOrder(multiplied(problem, new double[N * FEATURES])).results();
        assertThat(expected.get("0.weight/grad")).containsOnly(0);
        assertThat(expected.get("3.weight/grad")).containsOnly(0);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> actual = run(passes, problem, PassOptions.DEFAULT, IDS);
            setting.assertClose("all dropped", actual, expected);
            assertThat(actual.get("0.weight/grad_batch")).containsOnly(0);
        }
    }
}
