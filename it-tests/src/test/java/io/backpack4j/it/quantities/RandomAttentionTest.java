// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Attention, transformer layers and products of activations of random sizes against the oracle. {@code
 * -Dbackpack.test.seed=…} draws other networks, {@code -Dbackpack.it.attention=…} more.
 */
class RandomAttentionTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = Integer.getInteger("backpack.it.attention", 3);
    private static final double LEAST_MARGIN = 1e-3;

    /** What a network is about. */
    private enum Kind {
        CORE,
        PRODUCTS,
        MULTIHEAD,
        ENCODER,
        DECODER;

        /** Whether the nodes of the model are those that products are projected at. */
        boolean isWritten() {
            return this == CORE || this == PRODUCTS;
        }
    }

    /** Draws a network. */
    private static final class Draw {

        private final Random random;
        private final Kind kind;
        private final int heads;
        private final int features;
        private final int queries;
        private final int keys;
        private final int samples;
        private final boolean causal;
        private final boolean masked;
        private final List<NodeDescription> nodes = new ArrayList<>();

        Draw(Random random, Kind kind) {
            this.random = random;
            this.kind = kind;
            this.heads = between(1, 2);
            this.features = heads * between(1, 2);
            this.causal = random.nextBoolean();
            this.queries = between(1, 3);
            boolean equal = kind == Kind.ENCODER || (causal && kind != Kind.DECODER);
            this.keys = equal ? queries : between(1, 3);
            this.samples = between(1, 3);
            this.masked = random.nextBoolean();
        }

        private int between(int low, int high) {
            return low + random.nextInt(high - low + 1);
        }

        private void add(String name, String type, Map<String, Object> arguments, String... sources) {
            nodes.add(Networks.node(name, type, arguments, sources));
        }

        private String[] withMask(String... sources) {
            List<String> all = new ArrayList<>(List.of(sources));
            if (masked) {
                all.add("mask");
            }
            return all.toArray(String[]::new);
        }

        Problem problem(Passes passes) {
            boolean others = kind == Kind.MULTIHEAD && random.nextBoolean();
            int ofMemory = others || kind.isWritten() ? 3 : features;
            Map<String, Numbers> inputs = new LinkedHashMap<>();
            inputs.put("input", Networks.normal(random, samples, queries, features));
            if (kind != Kind.ENCODER) {
                inputs.put("memory", Networks.normal(random, samples, keys, ofMemory));
            }
            if (masked && kind == Kind.DECODER) {
                inputs.put("none", new Numbers(new int[] {samples, queries}, new double[samples * queries]));
            }
            if (masked && kind != Kind.PRODUCTS) {
                inputs.put("mask", mask());
            }
            write(others);
            add("out", "Linear", Map.of("in_features", kind == Kind.CORE ? heads : features, "out_features", 2));
            LossDescription loss = new LossDescription("MSELoss", Map.of("reduction", "mean"));
            ModelDescription model = new ModelDescription(nodes, List.copyOf(inputs.keySet()), Optional.empty(), loss);
            int[] target = kind == Kind.PRODUCTS ? new int[] {samples, 2} : new int[] {samples, queries, 2};
            Numbers targets = Networks.normal(random, target);
            return new Problem(model, inputs, targets, parameters(passes, model, inputs));
        }

        /** The first key is always seen. */
        private Numbers mask() {
            double[] values = IntStream.range(0, samples * keys)
                    .mapToDouble(i -> i % keys == 0 ? 0 : between(-1, 1))
                    .toArray();
            return new Numbers(new int[] {samples, keys}, values);
        }

        private void write(boolean others) {
            Map<String, Object> layer = new LinkedHashMap<>();
            layer.put("d_model", features);
            layer.put("nhead", heads);
            layer.put("dim_feedforward", between(1, 3));
            layer.put("dropout", 0.5);
            layer.put("mode", "eval");
            layer.put("activation", random.nextBoolean() ? "relu" : "gelu");
            layer.put("norm_first", random.nextBoolean());
            layer.put("bias", random.nextBoolean());
            layer.put("layer_norm_eps", 0.1);
            layer.put("causal", causal);
            layer.put("batch_first", true);
            switch (kind) {
                case CORE -> {
                    projections(heads);
                    add(
                            "core",
                            "ScaledDotProductAttention",
                            Map.of("num_heads", heads, "causal", causal, "scale", 0.7),
                            withMask("q", "k", "v"));
                }
                case PRODUCTS -> {
                    projections(2);
                    add("turned", "Permute", Map.of("dims", List.of(0, 2, 1)), "k");
                    add("scores", "MatMul", Map.of(), "q", "turned");
                    add("one", "Reshape", Map.of("shape", List.of(1, -1, keys)), "scores");
                    add("seen", "MatMul", Map.of(), "one", "k");
                    add("most", "Max", Map.of("dim", 2));
                    add("flat", "Flatten", Map.of());
                }
                case MULTIHEAD -> {
                    Map<String, Object> arguments = new LinkedHashMap<>();
                    arguments.put("embed_dim", features);
                    arguments.put("num_heads", heads);
                    arguments.put("bias", random.nextBoolean());
                    arguments.put("causal", causal);
                    arguments.put("batch_first", true);
                    if (others) {
                        arguments.put("kdim", 3);
                        arguments.put("vdim", 3);
                    }
                    add("attn", "MultiheadAttention", arguments, withMask("input", "memory", "memory"));
                }
                case ENCODER -> add("layer", "TransformerEncoderLayer", layer, withMask("input"));
                default -> {
                    String[] sources = masked
                            ? new String[] {"input", "memory", "none", "mask"}
                            : new String[] {"input", "memory"};
                    add("layer", "TransformerDecoderLayer", layer, sources);
                }
            }
        }

        private void projections(int ofValues) {
            nodes.add(Networks.linear("q", features, features, "input"));
            nodes.add(Networks.linear("k", 3, features, "memory"));
            if (kind == Kind.CORE) {
                nodes.add(Networks.linear("v", 3, ofValues, "memory"));
            }
        }

        private Map<String, Numbers> parameters(Passes passes, ModelDescription model, Map<String, Numbers> inputs) {
            Map<String, Numbers> parameters = new LinkedHashMap<>();
            Shape[] shapes = inputs.values().stream()
                    .map(input -> Passes.shape(input).dropFirst(1))
                    .toArray(Shape[]::new);
            try (Model built = passes.backpack().model(model, passes.setting().dtype(), shapes)) {
                for (String name : built.parameters().names()) {
                    int[] shape = Arrays.stream(
                                    built.parameters().spec(name).shape().toArray())
                            .mapToInt(Math::toIntExact)
                            .toArray();
                    parameters.put(name, Networks.normal(random, shape));
                }
            }
            return parameters;
        }
    }

    private static Problem draw(Passes passes, Kind kind, Random random) {
        while (true) {
            Problem drawn = new Draw(random, kind).problem(passes);
            if (new FirstOrder(drawn).margin() > LEAST_MARGIN) {
                return drawn;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void quantities_are_those_of_the_oracle(Kind kind) {
        System.out.printf("Random networks of -Dbackpack.test.seed=%d: %s%n", SEED, kind);
        for (Setting setting : Setting.values()) {
            try (Passes passes = new Passes(setting)) {
                for (int network = 0; network < NETWORKS; network++) {
                    Random random = new Random(SEED * 1_000_003 + network);
                    Problem problem = draw(passes, kind, random);
                    PassOptions split = PassOptions.DEFAULT
                            .chunk(1L + random.nextInt(problem.samples()))
                            .block(1L + random.nextInt(3));
                    check(setting, passes, problem, PassOptions.DEFAULT);
                    check(setting, passes, problem, split);
                    checkProducts(setting, passes, kind, problem, split);
                }
            }
        }
    }

    private static void check(Setting setting, Passes passes, Problem problem, PassOptions options) {
        List<Request<?>> requests = new ArrayList<>(passes.firstOrder());
        for (String type :
                List.of("DiagGGNExact", "BatchDiagGGNExact", "SqrtGGNExact", "DiagHessian", "BatchDiagHessian")) {
            if (!type.startsWith("Sqrt") || options.equals(PassOptions.DEFAULT)) {
                requests.add(passes.request(type, Map.of()));
            }
        }
        Map<String, double[]> expected = new TreeMap<>(new FirstOrder(problem).results());
        expected.putAll(new SecondOrder(problem, true).results());
        Map<String, double[]> actual = passes.run(problem, requests, options);
        expected.keySet().retainAll(actual.keySet());
        setting.assertClose("%s, %s".formatted(options, problem.model()), actual, expected);
    }

    private static void checkProducts(Setting setting, Passes passes, Kind kind, Problem problem, PassOptions options) {
        List<Request<?>> requests =
                new ArrayList<>(List.of(passes.request("GGNMP", Map.of()), passes.request("HMP", Map.of())));
        if (kind.isWritten()) {
            requests.add(passes.request("PCHMP", Map.of("modify", "clip")));
            requests.add(passes.request("PCHMP", Map.of("modify", "abs")));
        }
        Map<String, Numbers> vectors = ProductsTest.vectors(new Random(1), problem);
        Map<String, double[]> expected = ProductsTest.expected(problem, vectors, kind.isWritten());
        Map<String, double[]> actual = passes.run(problem, vectors, requests, options);
        actual.keySet().removeIf(name -> !name.contains("mp"));
        setting.assertClose("%s, %s".formatted(options, problem.model()), actual, expected);
    }
}
