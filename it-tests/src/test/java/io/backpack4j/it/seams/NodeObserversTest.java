// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.NodePartial;
import io.backpack4j.spi.extension.NodeReduction;
import io.backpack4j.spi.extension.ObservedNode;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reductions of nodes' outputs, against loops over the outputs of networks that end there. */
class NodeObserversTest {

    private static final int N = 7;
    private static final double THRESHOLD = 0.6;

    private static BackPack backpack;

    @BeforeAll
    static void load() {
        backpack = BackPack.builder().backend("cpu").threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    /** All reductions of the nodes of some types, node by node. */
    private record Observer(String resultName, Set<String> types)
            implements NetworkExtension<Map<String, Tensor>, Map<String, Tensor>> {

        @Override
        public Map<String, NodeReduction> observe(ObservedNode node) {
            return types.contains(node.module().type())
                    ? Map.of(
                            "sum", new NodeReduction.Sum(),
                            "squares", new NodeReduction.SumOfSquares(),
                            "zeros", new NodeReduction.Zeros(),
                            "beyond", new NodeReduction.Beyond(THRESHOLD),
                            "greatest", new NodeReduction.GreatestMagnitude())
                    : Map.of();
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {}

        @Override
        public Map<String, Tensor> finish(SitePartial partial) {
            throw new AssertionError("It has nothing at parameters.");
        }

        @Override
        public Map<String, Tensor> export(Map<String, Tensor> result) {
            return result;
        }

        @Override
        public Map<String, Tensor> finishNetwork(NetworkPartial partial) {
            assertThat(partial.sites()).isEmpty();
            Map<String, Tensor> results = new LinkedHashMap<>();
            for (NodePartial node : partial.nodes()) {
                for (String key : observe(node.node()).keySet()) {
                    results.put(node.node().name() + "/" + key, node.tensor(key));
                }
                assertThatThrownBy(() -> node.tensor("other")).hasMessageContaining("observes no 'other' of node");
            }
            return results;
        }

        @Override
        public Map<String, Tensor> exportNetworkResult(Map<String, Tensor> result) {
            return result;
        }
    }

    private static NodeDescription node(String name, String type, Map<String, Object> arguments) {
        return new NodeDescription(name, type, arguments, List.of());
    }

    /** The first nodes of a network in which ReLU and MaxPool are one node of a plan. */
    private static ModelDescription network(int nodes) {
        Map<String, Object> square = Map.of("in_features", 6, "out_features", 6);
        List<NodeDescription> all = List.of(
                node("lift", "Linear", square),
                node("rectify", "ReLU", Map.of()),
                node("pool", "MaxPool2d", Map.of("kernel_size", 2)),
                node("squash", "Tanh", Map.of()),
                node("flat", "Flatten", Map.of()),
                node("out", "Linear", Map.of("in_features", 12, "out_features", 3)));
        LossDescription loss = nodes == all.size()
                ? new LossDescription("CrossEntropyLoss", Map.of("reduction", "mean"))
                : LossDescription.NONE;
        return new ModelDescription(all.subList(0, nodes), List.of(), Optional.empty(), loss);
    }

    private static Model model(int nodes, DType dtype) {
        Model model = backpack.model(network(nodes), dtype, Shape.of(2, 4, 6));
        double[] weights = new Random(3).doubles(36, -1, 1).toArray();
        // Unit 0 is dead, and unit 1 is 0 in no sample.
        for (int i = 0; i < 6; i++) {
            weights[i] = 0;
        }
        model.parameters().set("lift.weight", weights);
        model.parameters().set("lift.bias", new double[] {-1, 9, 0, 0, 0, 0});
        if (nodes == 6) {
            model.parameters()
                    .set("out.weight", new Random(4).doubles(36, -1, 1).toArray());
            model.parameters().set("out.bias", new double[3]);
        }
        return model;
    }

    private static Batch batch(DType dtype, int... samples) {
        double[] all = new Random(5).doubles(N * 48, -1, 1).toArray();
        double[] inputs = new double[samples.length * 48];
        long[] ids = new long[samples.length];
        long[] targets = new long[samples.length];
        for (int i = 0; i < samples.length; i++) {
            System.arraycopy(all, samples[i] * 48, inputs, i * 48, 48);
            ids[i] = samples[i];
            targets[i] = samples[i] % 3;
        }
        return backpack.batch(dtype)
                .input(Graph.INPUT, Shape.of(samples.length, 2, 4, 6), inputs)
                .targets(Shape.of(samples.length), targets)
                .sampleIds(ids)
                .build();
    }

    private static int[] all() {
        return IntStream.range(0, N).toArray();
    }

    /** Loops over the outputs of the network that ends at a node. */
    private static Map<String, double[]> expected(DType dtype, String name, int nodes) {
        try (Model model = model(nodes, dtype);
                Batch batch = batch(dtype, all());
                Prediction prediction = backpack.predict(model, batch)) {
            double[] outputs = prediction.output().toDoubleArray();
            int units = outputs.length / N;
            double[][] made = new double[5][units];
            for (int i = 0; i < outputs.length; i++) {
                double y = outputs[i];
                made[0][i % units] += y;
                made[1][i % units] += y * y;
                made[2][i % units] += y == 0 ? 1 : 0;
                made[3][i % units] += Math.abs(y) > THRESHOLD ? 1 : 0;
                made[4][i % units] = Math.max(made[4][i % units], Math.abs(y));
            }
            Map<String, double[]> expected = new TreeMap<>();
            List<String> keys = List.of("sum", "squares", "zeros", "beyond", "greatest");
            for (int key = 0; key < keys.size(); key++) {
                expected.put("*/observed/" + name + "/" + keys.get(key), made[key]);
            }
            return expected;
        }
    }

    private static Map<String, double[]> expected(DType dtype) {
        Map<String, double[]> expected = expected(dtype, "rectify", 2);
        expected.putAll(expected(dtype, "pool", 3));
        expected.putAll(expected(dtype, "squash", 4));
        assertThat(expected.get("*/observed/rectify/zeros")).contains(N, 0);
        return expected;
    }

    private static void compare(DType dtype, Results results, Map<String, double[]> expected) {
        Map<String, double[]> actual = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> {
            if (name.startsWith("*/")) {
                actual.put(name, tensor.toDoubleArray());
            }
        });
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        double exactness = dtype == DType.FLOAT64 ? 1e-14 : 1e-6;
        expected.forEach((name, values) -> assertThat(actual.get(name))
                .as(name)
                .containsExactly(
                        values,
                        within(exactness * (1 + Arrays.stream(values).max().orElse(0)))));
    }

    private static final Observer OBSERVER = new Observer("observed", Set.of("ReLU", "MaxPool2d", "Tanh"));

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT64", "FLOAT32"})
    void reductions_are_those_of_loops_in_every_splitting(DType dtype) {
        Map<String, double[]> expected = expected(dtype);
        try (Model model = model(6, dtype);
                Batch batch = batch(dtype, all())) {
            for (long chunk : new long[] {N, 3, 1}) {
                List<Request<?>> requests = List.of(
                        Request.of(OBSERVER),
                        Request.of(new DiagGGNExact()),
                        Request.of(new Observer("again", Set.of("ReLU"))));
                PassOptions options = PassOptions.DEFAULT.chunk(chunk).memory(1 << 24);
                Plan plan = backpack.plan(model, batch, requests.subList(0, 2), options);
                long before = backpack.backend().memory().usedBytes();
                backpack.backend().resetPeak();
                try (Results results = plan.run(batch)) {
                    assertThat(backpack.backend().memory().peakBytes() - before).isEqualTo(plan.peakBytes());
                    compare(dtype, results, expected);
                    assertThat(results.network(OBSERVER).keySet()).hasSize(15);
                }
                try (Results results =
                        backpack.plan(model, batch, requests, options).run(batch)) {
                    assertThat(results.tensors().get("*/again/rectify/zeros").toDoubleArray())
                            .isEqualTo(expected.get("*/observed/rectify/zeros"));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FLOAT64", "FLOAT32"})
    void reductions_merge_over_the_batches_of_sessions_and_their_states(DType dtype) {
        List<Request<?>> requests = List.of(Request.of(OBSERVER));
        try (Model model = model(6, dtype);
                Session first = backpack.session(model, requests, SessionOptions.DEFAULT);
                Session second =
                        backpack.session(model, requests, SessionOptions.DEFAULT.pass(PassOptions.DEFAULT.chunk(1)));
                Batch some = batch(dtype, 4, 0, 6);
                Batch others = batch(dtype, 1, 5);
                Batch last = batch(dtype, 2, 3)) {
            first.add(some);
            first.add(others);
            second.add(last);
            assertThat(first.state().tensors().keySet())
                    .anyMatch(name -> name.startsWith("*/observed/squash/greatest"));
            first.merge(second);
            try (Results results = first.results()) {
                compare(dtype, results, expected(dtype));
            }
        }
    }

    /** What is observed is fused all the same, and a network without trained parameters can be observed. */
    @Test
    void a_frozen_network_can_be_observed_and_chains_stay_fused() {
        try (Model model = model(6, DType.FLOAT64);
                Batch batch = batch(DType.FLOAT64, all())) {
            List<Request<?>> late = List.of(Request.of(new Observer("observed", Set.of("Tanh"))));
            List<Request<?>> early = List.of(Request.of(OBSERVER));
            long fused = backpack.plan(model, batch, late, PassOptions.DEFAULT).steps();
            assertThat(backpack.plan(model, batch, early, PassOptions.DEFAULT).steps())
                    .isEqualTo(fused);
            ModelDescription frozen = frozen();
            try (Model still = backpack.model(frozen, DType.FLOAT64, Shape.of(2, 4, 6))) {
                model.parameters()
                        .names()
                        .forEach(name -> still.parameters()
                                .set(name, model.parameters().get(name).toDoubleArray()));
                try (Results results =
                        backpack.plan(still, batch, early, PassOptions.DEFAULT).run(batch)) {
                    compare(DType.FLOAT64, results, expected(DType.FLOAT64));
                }
            }
        }
    }

    private static ModelDescription frozen() {
        ModelDescription trained = network(6);
        return new ModelDescription(
                trained.nodes().stream()
                        .map(node -> new NodeDescription(
                                node.name(), node.type(), node.arguments(), node.inputs(), Frozen.ALL, node.ties()))
                        .toList(),
                trained.inputs(),
                trained.output(),
                trained.loss());
    }

    @Test
    void what_is_not_a_number_is_no_number_and_a_threshold_is_not_negative() {
        try (TensorScope scope = backpack.backend().openScope()) {
            double[] values = {Double.NaN, 0, 2, 1, -0.0, Double.POSITIVE_INFINITY};
            Tensor outputs = backpack.backend().upload(scope, Shape.of(2, 3), DType.FLOAT64, values);
            assertThat(made(scope, new NodeReduction.Zeros(), outputs)).containsExactly(Double.NaN, 2, 0);
            assertThat(made(scope, new NodeReduction.Beyond(1), outputs)).containsExactly(0, 0, 2);
            assertThat(made(scope, new NodeReduction.Outside(0.5, 1.5), outputs))
                    .containsExactly(0, 2, 2);
            assertThat(made(scope, new NodeReduction.Outside(Double.NEGATIVE_INFINITY, 1), outputs))
                    .containsExactly(0, 0, 2);
            assertThat(made(scope, new NodeReduction.Sum(), outputs))
                    .containsExactly(Double.NaN, 0, Double.POSITIVE_INFINITY);
            assertThat(made(scope, new NodeReduction.GreatestMagnitude(), outputs))
                    .containsExactly(Double.NaN, 0, Double.POSITIVE_INFINITY);
        }
        assertThatThrownBy(() -> new NodeReduction.Beyond(-1)).hasMessageContaining("must be 0 or greater");
        assertThatThrownBy(() -> new NodeReduction.Outside(2, 1)).hasMessageContaining("must not be above the second");
        assertThatThrownBy(() -> new NodeReduction.Beyond(Double.NaN)).hasMessageContaining("must be 0 or greater");
    }

    private static double[] made(TensorScope scope, NodeReduction reduction, Tensor outputs) {
        Tensor made = scope.allocate(outputs.shape().dropFirst(1), outputs.dtype());
        backpack.backend().elementwise().fill(made, reduction.rule() == MergeRule.MAX ? Double.NEGATIVE_INFINITY : 0);
        reduction.add(backpack.backend(), outputs, made);
        return made.toDoubleArray();
    }
}
