// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.GGNMP;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.KFRA;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What sessions refuse, what they say, what they keep, and how exactly they add. */
class SessionSeamsTest {

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() {
        backpack = BackPack.builder().backend("cpu").threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static Graph network() {
        return Graph.sequential(new Linear(3, 4, true), new Sigmoid(), new Linear(4, 2, true));
    }

    private static Loss mean() {
        return new CrossEntropyLoss(LossReduction.MEAN);
    }

    private static Model model(Graph graph, Loss loss, DType dtype) {
        Model model = backpack.model(graph, loss, dtype, Shape.of(3));
        model.parameters().initialize(5);
        return model;
    }

    private static Batch batch(DType dtype, long... ids) {
        double[] inputs = new double[ids.length * 3];
        long[] labels = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            Random random = new Random(ids[i]);
            for (int j = 0; j < 3; j++) {
                inputs[3 * i + j] = random.nextGaussian();
            }
            labels[i] = random.nextInt(2);
        }
        return backpack.batch(dtype)
                .input(Graph.INPUT, Shape.of(ids.length, 3), inputs)
                .targets(Shape.of(ids.length), labels)
                .sampleIds(ids)
                .build();
    }

    private static void add(Session session, DType dtype, long... ids) {
        try (Batch batch = batch(dtype, ids)) {
            session.add(batch);
        }
    }

    private static Map<String, double[]> arrays(Results results) {
        Map<String, double[]> arrays = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        return arrays;
    }

    private static AbstractThrowableAssert<?, ?> assertRefused(ThrowingCallable action) {
        return assertThatThrownBy(action).isInstanceOf(BackpackException.class);
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void partial_results_of_an_extension_s_own_merge_by_their_rules_and_degrees(LossReduction reduction) {
        Extension<?> own = new OwnPartials(true);
        try (Model model = model(network(), new CrossEntropyLoss(reduction), DType.FLOAT64)) {
            Map<String, double[]> expected;
            try (Batch whole = batch(DType.FLOAT64, 0, 1, 2, 3, 4, 5);
                    Results results = backpack.compute(model, whole, own)) {
                expected = arrays(results);
            }
            assertThat(expected).containsKeys("0.weight/own/sum", "*/own/trace");
            var options = SessionOptions.DEFAULT.keepOutputs().pass(PassOptions.DEFAULT.chunk(2));
            try (Session session = backpack.session(model, List.of(Request.of(own)), options)) {
                add(session, DType.FLOAT64, 0, 1, 2, 3, 4);
                add(session, DType.FLOAT64, 5);
                try (Results results = session.results()) {
                    Map<String, double[]> actual = arrays(results);
                    assertThat(actual.keySet()).isEqualTo(expected.keySet());
                    expected.forEach((name, values) ->
                            assertThat(actual.get(name)).as(name).containsExactly(values, within(1e-12)));
                }
            }
        }
    }

    @Test
    void an_unknown_degree_is_refused_where_the_factor_depends_on_the_batch() {
        try (Model averaged = model(network(), mean(), DType.FLOAT64);
                Model summed = model(network(), new CrossEntropyLoss(LossReduction.SUM), DType.FLOAT64)) {
            assertRefused(() -> backpack.session(averaged, new OwnPartials(false)))
                    .hasMessageContaining("OwnPartials does not say how its partial result 'sum' scales")
                    .hasMessageContaining("'max'");
            try (Session session = backpack.session(summed, new OwnPartials(false))) {
                add(session, DType.FLOAT64, 0, 1);
                add(session, DType.FLOAT64, 2);
                try (Results results = session.results()) {
                    assertThat(results.tensors()).containsKey("2.bias/own/max");
                }
            }
        }
    }

    @Test
    void what_does_not_merge_is_refused_at_once_and_by_name() {
        List<Extension<?>> extensions = List.of(
                new KFRA(),
                new GhostClipping(1),
                new BatchGrad(List.of(0, 7)),
                new GGNMP(),
                new EveryMergeRule(true),
                new Variance());
        try (Model model = model(network(), mean(), DType.FLOAT64)) {
            assertThatThrownBy(() -> backpack.session(model, extensions.toArray(Extension<?>[]::new)))
                    .isInstanceOfSatisfying(BackpackException.class, refused -> {
                        assertThat(refused.problems().stream().map(Problem::message))
                                .anyMatch(text -> text.startsWith("KFRA averages") && text.contains("KFLR"))
                                .anyMatch(text -> text.startsWith("GhostClipping walks a batch 2 times"))
                                .anyMatch(text -> text.startsWith("GhostClipping contracts with weights"))
                                .anyMatch(text -> text.startsWith("BatchGrad picks samples by their positions"))
                                .anyMatch(text -> text.startsWith("GGNMP makes products") && text.contains("linearize"))
                                .anyMatch(text -> text.startsWith("EveryMergeRule needs InnerProducts"))
                                .anyMatch(text -> text.startsWith("EveryMergeRule needs DotWithSum")
                                        && text.contains("the sum changes"))
                                .anyMatch(text -> text.contains("'hand_whole' as one that does not merge"))
                                .noneMatch(text -> text.startsWith("Variance"));
                    });
        }
    }

    @Test
    void a_loss_that_does_not_say_its_factor_for_several_batches_is_refused() {
        try (Model model = model(network(), new LogCoshLoss(), DType.FLOAT64)) {
            assertRefused(() -> backpack.session(model, new Variance()))
                    .hasMessageContaining("Loss LogCoshLoss does not say what its factor is for several batches");
        }
    }

    @Test
    void a_module_that_mixes_samples_is_refused() {
        var mixing = backpack.catalog().module("mixing", "BatchNorm1d", Map.of("num_features", 4));
        Graph graph = Graph.sequential(new Linear(3, 4, true), mixing, new Linear(4, 2, true));
        try (Model model = model(graph, mean(), DType.FLOAT64)) {
            assertRefused(() -> backpack.session(model)).hasMessageContaining("BatchNorm1d) mixes the samples");
        }
    }

    @Test
    void a_sample_that_is_there_already_is_refused_by_its_id() {
        try (Model model = model(network(), mean(), DType.FLOAT64);
                Session session = backpack.session(model, new Variance());
                Session other = backpack.session(model, new Variance())) {
            add(session, DType.FLOAT64, 3, 8);
            assertRefused(() -> add(session, DType.FLOAT64, 4, 8, 5)).hasMessageContaining("already: 8.");
            assertRefused(() -> add(session, DType.FLOAT64, 6, 7, 6)).hasMessageContaining("already: 6.");
            add(other, DType.FLOAT64, 3, 9);
            assertRefused(() -> session.merge(other)).hasMessageContaining("already: 3.");
            assertThat(session.sampleIds()).containsExactly(3, 8);
            assertThat(session.batches()).isEqualTo(1);
            long[] many = LongStream.range(10, 1010).toArray();
            add(session, DType.FLOAT64, many);
            assertRefused(() -> add(session, DType.FLOAT64, many)).hasMessageContaining("1000 sample(s)");
            assertThat(session.samples()).isEqualTo(1002);
        }
    }

    @Test
    void a_model_that_changed_is_noticed() {
        try (Model model = model(network(), mean(), DType.FLOAT64);
                Session session = backpack.session(model, new Variance())) {
            add(session, DType.FLOAT64, 0, 1);
            double[] weights = model.parameters().get("0.weight").toDoubleArray();
            double[] stepped = Arrays.stream(weights).map(value -> value - 0.1).toArray();
            model.parameters().set("0.weight", stepped);
            assertRefused(() -> add(session, DType.FLOAT64, 2)).hasMessageContaining("numbers changed");
            double[] one = weights.clone();
            one[5] += 1;
            model.parameters().set("0.weight", one);
            assertRefused(session::results).hasMessageContaining("numbers changed");
            assertRefused(session::state).hasMessageContaining("numbers changed");
            model.parameters().set("0.weight", weights);
            add(session, DType.FLOAT64, 2);
            session.results().close();
        }
    }

    @Test
    void an_empty_and_a_closed_session_and_outputs_that_were_not_kept_say_so() {
        try (Model model = model(network(), mean(), DType.FLOAT64)) {
            Session session = backpack.session(model);
            assertRefused(session::results).hasMessageContaining("no batch was added");
            add(session, DType.FLOAT64, 0, 1);
            try (Results results = session.results()) {
                assertThat(results.tensors()).doesNotContainKey("output");
                assertRefused(results::output).hasMessageContaining("keepOutputs()");
            }
            session.close();
            session.close();
            assertRefused(session::results).hasMessageContaining("it was closed");
        }
    }

    @Test
    void a_session_of_another_kind_says_every_difference() {
        Path file = folder.resolve("session.safetensors");
        Graph other = Graph.sequential(new Linear(3, 4, true), new Tanh(), new Linear(4, 2, true));
        try (Model model = model(network(), mean(), DType.FLOAT64);
                Model otherModel = model(other, new CrossEntropyLoss(LossReduction.SUM), DType.FLOAT32);
                Session session = backpack.session(model, new Variance());
                Session same = backpack.session(
                        model, List.of(Request.of(new Variance()), Request.of(new KFLR())), SessionOptions.DEFAULT);
                Session another = backpack.session(
                        otherModel, List.of(Request.of(new SumGradSquared())), SessionOptions.DEFAULT.seed(4))) {
            add(session, DType.FLOAT64, 0, 1);
            SessionFile.save(session, file);
            assertRefused(() -> SessionFile.load(same, file))
                    .hasMessageContaining("session.safetensors")
                    .hasMessageContaining("other requests. Here: kflr = KFLR")
                    .hasMessageContaining("There: nothing more");
            assertRefused(() -> SessionFile.load(another, file))
                    .hasMessageContaining("other model. Here: node '1': Tanh[]")
                    .hasMessageContaining("There: node '1': Sigmoid[]")
                    .hasMessageContaining("other loss. Here: CrossEntropyLoss[")
                    .hasMessageContaining("other dtype. Here: FLOAT32. There: FLOAT64")
                    .hasMessageContaining("other parameters. Here: crc32c:")
                    .hasMessageContaining("other requests")
                    .hasMessageContaining("other seed. Here: 4. There: 0");
            model.parameters().initialize(6);
            try (Session later = backpack.session(model, new Variance())) {
                assertThatThrownBy(() -> SessionFile.load(later, file))
                        .isInstanceOfSatisfying(
                                BackpackException.class,
                                refused -> assertThat(refused.problems()).hasSize(1));
            }
        }
    }

    @Test
    void files_that_are_no_sessions_or_are_damaged_are_refused() throws IOException {
        Path file = folder.resolve("file.safetensors");
        try (Model model = model(network(), mean(), DType.FLOAT64);
                Session session = backpack.session(model, new Variance(), new BatchGrad());
                Session loaded = backpack.session(model, new Variance(), new BatchGrad())) {
            add(session, DType.FLOAT64, 0, 1);
            Files.writeString(file, "no tensors");
            assertRefused(() -> SessionFile.load(loaded, file)).hasMessageContaining("is not a safetensors file");
            try (var writer =
                    SafetensorsWriter.to(file).metadata("format", "pt").open()) {
                writer.commit();
            }
            assertRefused(() -> SessionFile.load(loaded, file)).hasMessageContaining("is not a saved session");
            try (var writer = SafetensorsWriter.to(file)
                    .metadata("format", "backpack4j session")
                    .metadata("version", "3")
                    .open()) {
                writer.commit();
            }
            assertRefused(() -> SessionFile.load(loaded, file))
                    .hasMessageContaining("version '3', but only versions up to 2");
            SessionState state = session.state();
            for (String missing : state.tensors().keySet()) {
                Map<String, SessionState.Numbers> tensors = new LinkedHashMap<>(state.tensors());
                tensors.remove(missing);
                assertRefused(() -> loaded.merge(new SessionState(state.properties(), tensors)))
                        .hasMessageContaining(missing);
                SessionState.Numbers wrong = state.tensors().get("0.weight/grad:sum");
                tensors.put(missing, missing.startsWith("0.weight/grad:") ? numbers(2) : wrong);
                if (!missing.startsWith("normalisers") && !missing.endsWith("count")) {
                    assertRefused(() -> loaded.merge(new SessionState(state.properties(), tensors)))
                            .hasMessageContaining(missing);
                }
            }
            assertRefused(() -> loaded.merge(withIds(state, 1))).hasMessageContaining("for 1 samples");
            assertRefused(() -> loaded.merge(withIds(state, 1, 1))).hasMessageContaining("already: 1.");
            loaded.merge(session);
            assertThat(loaded.samples()).isEqualTo(2);
        }
    }

    private static SessionState withIds(SessionState state, long... ids) {
        Map<String, SessionState.Numbers> tensors = new LinkedHashMap<>(state.tensors());
        tensors.put("sample_ids", new SessionState.Numbers() {
            @Override
            public DType dtype() {
                return DType.INT64;
            }

            @Override
            public Shape shape() {
                return Shape.of(ids.length);
            }

            @Override
            public void read(long from, double[] target, int offset, int count) {
                for (int i = 0; i < count; i++) {
                    target[offset + i] = ids[(int) from + i];
                }
            }
        });
        return new SessionState(state.properties(), tensors);
    }

    private static SessionState.Numbers numbers(int count) {
        return new SessionState.Numbers() {
            @Override
            public DType dtype() {
                return DType.FLOAT64;
            }

            @Override
            public Shape shape() {
                return Shape.of(count);
            }

            @Override
            public void read(long from, double[] target, int offset, int wanted) {
                Arrays.fill(target, offset, offset + wanted, 1);
            }
        };
    }

    @Test
    void many_batches_take_no_more_memory_than_few() {
        Extension<?>[] extensions = {new Variance(), new SumGradSquared(), new DiagGGNExact(), new KFLR()};
        try (Model model = model(network(), mean(), DType.FLOAT32);
                Session session = backpack.session(model, extensions)) {
            long[] sizes = {4, 1, 3};
            long next = 0;
            MemoryStatistics warm = backpack.backend().memory();
            for (int batch = 0; batch < 200; batch++) {
                if (batch == 6) {
                    warm = backpack.backend().memory();
                }
                long size = sizes[batch % sizes.length];
                add(session, DType.FLOAT32, LongStream.range(next, next + size).toArray());
                next += size;
            }
            MemoryStatistics after = backpack.backend().memory();
            assertThat(after.openTensors()).isEqualTo(warm.openTensors());
            assertThat(after.usedBytes()).isEqualTo(warm.usedBytes());
            assertThat(after.pooledBytes()).isEqualTo(warm.pooledBytes());
            assertThat(after.systemAllocations()).isEqualTo(warm.systemAllocations());
            assertThat(session.batches()).isEqualTo(200);
        }
    }

    /** f = w x = 0, so that the gradient is −2 y x: one of 2^24, whose last digit is worth 2, and 200 of 1. */
    private static Batch uneven(long from, long to) {
        long count = to - from;
        double[] targets = LongStream.range(from, to)
                .mapToDouble(i -> i == 0 ? -0x1p23 : -0.5)
                .toArray();
        double[] ones = new double[(int) count];
        Arrays.fill(ones, 1);
        return backpack.batch(DType.FLOAT32)
                .input(Graph.INPUT, Shape.of(count, 1), ones)
                .targets(Shape.of(count, 1), targets)
                .sampleIds(LongStream.range(from, to).toArray())
                .build();
    }

    /** A line through zero, whose residuals are its targets. */
    private static Model zeroLine() {
        Graph graph = Graph.sequential(new Linear(1, 1, false));
        Model model = backpack.model(graph, new MSELoss(LossReduction.SUM), DType.FLOAT32, Shape.of(1));
        model.parameters().set("0.weight", new double[1]);
        return model;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void small_parts_are_not_lost_beside_a_huge_one(long step) {
        double squares = 0x1p48 + 200;
        try (Model model = zeroLine();
                Session session = backpack.session(model, new SumGradSquared(), new Variance());
                Batch whole = uneven(0, 201)) {
            var requests = List.of(Request.of(new SumGradSquared()), Request.of(new Variance()));
            try (Results results = backpack.plan(model, whole, requests, PassOptions.DEFAULT.chunk(step))
                    .run(whole)) {
                assertExact(results, squares);
            }
            try (Session second = backpack.session(model, new SumGradSquared(), new Variance())) {
                for (long from = 0; from < 201; from += step) {
                    try (Batch batch = uneven(from, Math.min(201, from + step))) {
                        (from < 100 ? session : second).add(batch);
                    }
                }
                session.merge(second);
            }
            try (Results results = session.results()) {
                assertExact(results, squares);
            }
        }
    }

    private static void assertExact(Results results, double squares) {
        // A float between 2^24 and 2^25 is even, and so is the exact sum.
        assertThat(results.gradient("0.weight").item()).isEqualTo(0x1p24 + 200);
        Map<String, double[]> arrays = arrays(results);
        // A chunk's own sum may be rounded: of squares, the last digit is worth 2^25.
        assertThat(arrays.get("0.weight/sum_grad_squared")[0]).isCloseTo(squares, within(0x1p25));
        double mean = (0x1p24 + 200) / 201;
        double variance = (Math.pow(0x1p24 - mean, 2) + 200 * Math.pow(1 - mean, 2)) / 201;
        assertThat(arrays.get("0.weight/variance")[0]).isCloseTo(variance, within(4e-7 * variance));
    }

    @Test
    void batches_of_other_shapes_of_samples_fit_as_long_as_what_is_per_sample_does() {
        Graph graph = Graph.sequential(new Linear(3, 2, true));
        Loss loss = new MSELoss(LossReduction.MEAN);
        try (Model model = backpack.model(graph, loss, DType.FLOAT64, Shape.of(2, 3))) {
            model.parameters().initialize(1);
            try (Session sums = backpack.session(model, new SumGradSquared(), new DiagGGNExact());
                    Session outputs = backpack.session(model, List.of(), SessionOptions.DEFAULT.keepOutputs())) {
                positions(sums, 2, 0);
                positions(sums, 5, 1);
                try (Results results = sums.results()) {
                    // The curvature of a mean of squares is 2/terms · Σ x², terms being (2 + 5) positions of 2 outputs.
                    double[] diagonal =
                            results.tensors().get("0.bias/diag_ggn_exact").toDoubleArray();
                    assertThat(diagonal).containsExactly(new double[] {1, 1}, within(1e-12));
                }
                positions(outputs, 2, 0);
                assertRefused(() -> positions(outputs, 5, 1)).hasMessageContaining("'output' has shape [0, 5, 2]");
                assertThat(outputs.samples()).isEqualTo(1);
            }
        }
    }

    private static void positions(Session session, int positions, long id) {
        double[] inputs = new Random(id).doubles(positions * 3L).toArray();
        try (Batch batch = backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(1, positions, 3), inputs)
                .targets(Shape.of(1, positions, 2), new double[positions * 2])
                .sampleIds(id)
                .build()) {
            session.add(batch);
        }
    }
}
