// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attention against itself: masks, tiles of scores, dropout and memory. The oracle and the reference cases have its
 * numbers.
 */
class AttentionTest {

    private static final long MIB = 1L << 20;
    private static final int FEATURES = 4;
    private static final long SEED = 11;

    private final Random random = new Random(5);

    private static Request<?>[] everything(Passes passes) {
        return List.of("BatchGrad", "BatchL2Grad", "Variance", "DiagGGNExact", "DiagHessian", "KFLR").stream()
                .map(type -> passes.request(type, Map.of()))
                .toArray(Request<?>[]::new);
    }

    private static ModelDescription model(List<String> inputs, NodeDescription... nodes) {
        LossDescription loss = new LossDescription("MSELoss", Map.of("reduction", "mean"));
        return new ModelDescription(List.of(nodes), inputs, Optional.empty(), loss);
    }

    private static NodeDescription attention(Map<String, Object> arguments, String... inputs) {
        Map<String, Object> all = new LinkedHashMap<>(arguments);
        all.put("embed_dim", FEATURES);
        all.put("batch_first", true);
        return Networks.node("attn", "MultiheadAttention", all, inputs);
    }

    private Map<String, Numbers> parameters() {
        Map<String, Numbers> parameters = new LinkedHashMap<>();
        parameters.put("attn.in_proj_weight", Networks.normal(random, 3 * FEATURES, FEATURES));
        parameters.put("attn.in_proj_bias", Networks.normal(random, 3 * FEATURES));
        parameters.put("attn.out_proj.weight", Networks.normal(random, FEATURES, FEATURES));
        parameters.put("attn.out_proj.bias", Networks.normal(random, FEATURES));
        return parameters;
    }

    /** Attention to a memory, of which the last two positions of sample 0 and the first of sample 1 are padding. */
    private Problem padded(boolean isMasked, Numbers memory, double[] mask) {
        int samples = memory.shape()[0];
        Map<String, Numbers> inputs = new LinkedHashMap<>();
        inputs.put("input", Networks.normal(new Random(1), samples, 3, FEATURES));
        inputs.put("memory", memory);
        if (isMasked) {
            inputs.put("mask", new Numbers(new int[] {samples, memory.shape()[1]}, mask));
        }
        List<String> sources = new ArrayList<>(List.of("input", "memory", "memory"));
        sources.addAll(isMasked ? List.of("mask") : List.of());
        return new Problem(
                model(List.copyOf(inputs.keySet()), attention(Map.of("num_heads", 2), sources.toArray(String[]::new))),
                inputs,
                Networks.normal(new Random(2), samples, 3, FEATURES),
                parameters());
    }

    private static final double[] MASK = {0, 0, 0, 1, -3, 2, 0, 0, 0, 0};

    private static Map<String, double[]> run(Passes passes, Problem problem) {
        return passes.run(problem, List.of(everything(passes)), PassOptions.DEFAULT);
    }

    @ParameterizedTest
    @EnumSource
    void what_is_padded_changes_nothing(Setting setting) {
        Numbers memory = Networks.normal(random, 2, 5, FEATURES);
        double[] others = memory.values().clone();
        for (int position = 0; position < MASK.length; position++) {
            for (int i = 0; MASK[position] != 0 && i < FEATURES; i++) {
                others[position * FEATURES + i] *= 1000;
            }
        }
        Problem problem = padded(true, memory, MASK);
        Map<String, Numbers> inputs = new LinkedHashMap<>(problem.inputs());
        inputs.put("memory", new Numbers(memory.shape(), others));
        Problem other = new Problem(problem.model(), inputs, problem.targets(), problem.parameters());
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> expected = run(passes, problem);
            Map<String, double[]> actual = run(passes, other);
            // the input side of a Kronecker factor takes all positions of its input, seen or not
            expected.keySet().removeIf(name -> name.contains("/kflr/1"));
            actual.keySet().removeIf(name -> name.contains("/kflr/1"));
            setting.assertClose("other padding", actual, expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void padding_is_as_if_it_were_not_there(Setting setting) {
        Numbers memory = Networks.normal(random, 1, 5, FEATURES);
        Numbers cut = new Numbers(new int[] {1, 3, FEATURES}, Arrays.copyOf(memory.values(), 3 * FEATURES));
        Map<String, Numbers> parameters = parameters();
        Problem masked = padded(true, memory, Arrays.copyOf(MASK, 5));
        Problem shorter = padded(false, cut, MASK);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> expected = run(passes, with(shorter, parameters));
            Map<String, double[]> actual = run(passes, with(masked, parameters));
            expected.keySet().removeIf(name -> name.contains("/kflr/1"));
            actual.keySet().removeIf(name -> name.contains("/kflr/1"));
            setting.assertClose("shorter", actual, expected);
        }
    }

    private static Problem with(Problem problem, Map<String, Numbers> parameters) {
        return new Problem(problem.model(), problem.inputs(), problem.targets(), parameters);
    }

    @Test
    void a_mask_of_zeros_hides_nothing() {
        Numbers memory = Networks.normal(random, 2, 5, FEATURES);
        Problem masked = padded(true, memory, new double[10]);
        Problem plain = with(padded(false, memory, MASK), masked.parameters());
        try (Passes passes = new Passes(Setting.FLOAT32)) {
            Map<String, double[]> expected = run(passes, plain);
            run(passes, masked)
                    .forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_query_that_sees_nothing_is_refused(Setting setting) {
        double[] all = MASK.clone();
        Arrays.fill(all, 0, 5, 1);
        Problem problem = padded(true, Networks.normal(random, 2, 5, FEATURES), all);
        try (Passes passes = new Passes(setting)) {
            assertThatThrownBy(() -> run(passes, problem))
                    .hasMessageContaining("[NotFinite]")
                    .hasMessageContaining("attn");
        }
    }

    /** softmax(q kᵀ/√d ⊙ …) v of products and a softmax; {@code dropped} multiplies the weights with a second input. */
    private static NodeDescription[] written(int features, boolean dropped) {
        List<NodeDescription> nodes = new ArrayList<>(projections(features));
        nodes.add(Networks.node("turned", "Permute", Map.of("dims", List.of(0, 2, 1)), "k"));
        nodes.add(Networks.node("scores", "MatMul", Map.of(), "q", "turned"));
        nodes.add(Networks.node("scaled", "Scale", Map.of("weight", 1 / Math.sqrt(features)), "scores"));
        nodes.add(Networks.node("weights", "Softmax", Map.of("dim", 2), "scaled"));
        if (dropped) {
            nodes.add(Networks.node("dropped", "Mul", Map.of(), "weights", "factors"));
        }
        nodes.add(Networks.node("core", "MatMul", Map.of(), dropped ? "dropped" : "weights", "v"));
        return nodes.toArray(NodeDescription[]::new);
    }

    private static List<NodeDescription> projections(int features) {
        return List.of(
                Networks.linear("q", 2, features, "input"),
                Networks.linear("k", 2, features, "input"),
                Networks.linear("v", 2, 3, "input"));
    }

    private static NodeDescription[] core(int features, Map<String, Object> arguments) {
        List<NodeDescription> nodes = new ArrayList<>(projections(features));
        nodes.add(Networks.node("core", "ScaledDotProductAttention", arguments, "q", "k", "v"));
        return nodes.toArray(NodeDescription[]::new);
    }

    private static Map<String, double[]> products(Passes passes, Problem problem) {
        Map<String, Numbers> vectors = new TreeMap<>();
        Random draws = new Random(3);
        problem.parameters().forEach((name, numbers) -> {
            int[] shape = new int[numbers.shape().length + 1];
            shape[0] = 2;
            System.arraycopy(numbers.shape(), 0, shape, 1, shape.length - 1);
            vectors.put(name, Networks.normal(draws, shape));
        });
        List<Request<?>> requests = new ArrayList<>();
        for (String type : List.of("BatchL2Grad", "GGNMP", "HMP")) {
            requests.add(passes.request(type, Map.of()));
        }
        return passes.run(problem, vectors, requests, PassOptions.DEFAULT);
    }

    /** More scores than a tile holds: 800 · 800. */
    @ParameterizedTest
    @ValueSource(ints = {20, 300, 800})
    void tiles_of_scores_change_nothing(int length) {
        Map<String, Numbers> inputs = Map.of("input", Networks.normal(random, 2, length, 2));
        Numbers targets = Networks.normal(random, 2, length, 3);
        ModelDescription tiled = model(List.of(), core(2, Map.of()));
        Map<String, Numbers> parameters = Networks.parameters(random, tiled);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Map<String, double[]> expected =
                    products(passes, new Problem(model(List.of(), written(2, false)), inputs, targets, parameters));
            Map<String, double[]> actual = products(passes, new Problem(tiled, inputs, targets, parameters));
            Setting.FLOAT64.assertClose("tiles", actual, expected);
        }
    }

    /** What comes later changes nothing of what is earlier. */
    @Test
    void causal_tiles_see_nothing_later() {
        Numbers input = Networks.normal(random, 1, 800, 2);
        Numbers targets = Networks.normal(random, 1, 40, 4);
        List<NodeDescription> nodes = new ArrayList<>(List.of(
                Networks.linear("q", 2, 4, "input"),
                Networks.linear("k", 2, 4, "input"),
                Networks.linear("v", 2, 4, "input")));
        nodes.add(Networks.node(
                "core", "ScaledDotProductAttention", Map.of("num_heads", 2, "causal", true), "q", "k", "v"));
        Object whole = Arrays.asList(null, null, null);
        List<Object> slices = List.of(whole, Arrays.asList(null, 40, null));
        nodes.add(Networks.node("first", "Slice", Map.of("slices", slices), "core"));
        ModelDescription model = model(List.of(), nodes.toArray(NodeDescription[]::new));
        Map<String, Numbers> parameters = Networks.parameters(random, model);
        Numbers cut = new Numbers(new int[] {1, 40, 2}, Arrays.copyOf(input.values(), 80));
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Map<String, double[]> expected =
                    products(passes, new Problem(model, Map.of("input", cut), targets, parameters));
            Map<String, double[]> actual =
                    products(passes, new Problem(model, Map.of("input", input), targets, parameters));
            Setting.FLOAT64.assertClose("causal", actual, expected);
        }
    }

    /** Position (t S + s) of a sample decides whether the weight of query t and key s is dropped. */
    @ParameterizedTest
    @ValueSource(ints = {20, 300, 800})
    void dropout_draws_by_counter(int length) {
        double p = 0.3;
        RandomKey key = new RandomKey(SEED, 0, 0).stream("node:core");
        double[] factors = new double[length * length];
        Arrays.setAll(factors, i -> CounterRandom.uniform(key, 7, i) > p ? 1 / (1 - p) : 0);
        Map<String, Numbers> inputs = new LinkedHashMap<>();
        inputs.put("input", Networks.normal(random, 1, length, 2));
        Numbers targets = Networks.normal(random, 1, length, 3);
        ModelDescription tiled = model(List.of(), core(2, Map.of("dropout", p)));
        Map<String, Numbers> parameters = Networks.parameters(random, tiled);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(passes.request("BatchL2Grad", Map.of()));
            Map<String, double[]> actual =
                    passes.run(new Problem(tiled, inputs, targets, parameters), requests, PassOptions.DEFAULT, SEED, 7);
            Map<String, Numbers> both = new LinkedHashMap<>(inputs);
            both.put("factors", new Numbers(new int[] {1, length, length}, factors));
            Problem written =
                    new Problem(model(List.of("input", "factors"), written(2, true)), both, targets, parameters);
            Setting.FLOAT64.assertClose("dropout", actual, passes.run(written, requests, PassOptions.DEFAULT, SEED, 7));
        }
    }

    /** One matrix of scores of 8192 positions would have 256 MiB. */
    @ParameterizedTest
    @ValueSource(strings = {"BatchL2Grad", "HMP"})
    void long_sequences_take_little_memory(String extension) {
        int length = 8192;
        int features = 64;
        Map<String, Object> arguments = Map.of("embed_dim", features, "num_heads", 1, "batch_first", true);
        ModelDescription model =
                model(List.of(), Networks.node("attn", "MultiheadAttention", arguments, "input", "input", "input"));
        Map<String, Numbers> parameters = new LinkedHashMap<>();
        parameters.put("attn.in_proj_weight", Networks.normal(random, 3 * features, features));
        parameters.put("attn.in_proj_bias", Networks.normal(random, 3 * features));
        parameters.put("attn.out_proj.weight", Networks.normal(random, features, features));
        parameters.put("attn.out_proj.bias", Networks.normal(random, features));
        Numbers input = Networks.normal(random, 1, length, features);
        Problem problem = new Problem(model, Map.of("input", input), input, parameters);
        try (Passes passes = new Passes(Setting.FLOAT32)) {
            passes.withModel(problem, (built, batch) -> {
                // a product of one vector
                PassOptions options = PassOptions.DEFAULT.block(1);
                Plan plan = passes.backpack().plan(built, batch, List.of(passes.request(extension, Map.of())), options);
                var backend = passes.backpack().backend();
                long before = backend.memory().usedBytes();
                backend.resetPeak();
                try (var results = plan.run(batch, 0);
                        var scope = backend.openScope()) {
                    results.products().forEach((name, product) -> {
                        var shape = results.tensors()
                                .get(name.replace("/hmp", "/grad"))
                                .shape();
                        var vector = scope.allocate(shape.prepend(1), Setting.FLOAT32.dtype());
                        backend.elementwise().fill(vector, 0.1);
                        product.multiply(scope, vector);
                    });
                    long peak = backend.memory().peakBytes() - before;
                    System.out.printf("%s of %d positions: %.1f MiB%n", extension, length, (double) peak / MIB);
                    assertThat(peak).isLessThan(100 * MIB);
                }
                assertThat(plan.peakBytes()).isLessThan(100 * MIB);
            });
        }
    }
}
