// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.BatchGradRows;
import io.backpack4j.ext.firstorder.RowGradients;
import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Gradients of single samples as rows with their ids, beside the dense ones of the oracle. */
class LookedUpRowsTest {

    private static final long MIB = 1 << 20;
    private static final int CLASSES = 3;
    private static final String TABLE = "table.weight";
    private static final String IDS = "/grad_batch_rows/ids";
    private static final String ROWS = "/grad_batch_rows/rows";

    /** Tables that samples look rows up in. */
    private enum Kind {
        EMBEDDING(Map.of()),
        PADDED(Map.of("padding_idx", 2)),
        SUM(Map.of("mode", "sum")),
        MEAN(Map.of("mode", "mean", "padding_idx", 3));

        private final Map<String, Object> options;

        Kind(Map<String, Object> options) {
            this.options = options;
        }

        private boolean isBag() {
            return options.containsKey("mode");
        }
    }

    private static Numbers normal(Random random, int... shape) {
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Numbers(
                shape, DoubleStream.generate(random::nextGaussian).limit(count).toArray());
    }

    private static Numbers whole(int bound, Random random, int... shape) {
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Numbers(shape, random.ints(count, 0, bound).asDoubleStream().toArray());
    }

    /** A mean of no rows is 0, but not in the oracle: the first id of a sample is not {@code MEAN}'s padding. */
    private static Numbers notAllPadding(Numbers ids) {
        double[] values = ids.values().clone();
        for (int i = 0; i < values.length; i += ids.shape()[1]) {
            values[i] = values[i] == 3 ? 0 : values[i];
        }
        return new Numbers(ids.shape(), values);
    }

    private static NodeDescription table(String name, Kind kind, int rows, int width, String input) {
        Map<String, Object> arguments = new HashMap<>(kind.options);
        arguments.put("num_embeddings", rows);
        arguments.put("embedding_dim", width);
        return new NodeDescription(name, kind.isBag() ? "EmbeddingBag" : "Embedding", arguments, List.of(input));
    }

    private static ModelDescription model(List<String> inputs, List<NodeDescription> nodes) {
        return new ModelDescription(nodes, inputs, Optional.empty(), new LossDescription("CrossEntropyLoss", Map.of()));
    }

    private static Problem problem(Random random, Kind kind, int rows, int width, int samples, int positions) {
        List<NodeDescription> nodes = new ArrayList<>(List.of(table("table", kind, rows, width, "input")));
        if (!kind.isBag()) {
            nodes.add(new NodeDescription("mean", "Mean", Map.of("dim", 1), List.of("table")));
        }
        String last = nodes.get(nodes.size() - 1).name();
        nodes.add(new NodeDescription(
                "last", "Linear", Map.of("in_features", width, "out_features", CLASSES), List.of(last)));
        return new Problem(
                model(List.of("input"), nodes),
                Map.of("input", notAllPadding(whole(rows, random, samples, positions))),
                whole(CLASSES, random, samples),
                Map.of(
                        TABLE,
                        normal(random, rows, width),
                        "last.weight",
                        normal(random, CLASSES, width),
                        "last.bias",
                        normal(random, CLASSES)));
    }

    /** The dense gradients {@code [N, *p]} that ids and rows stand for. */
    private static SortedMap<String, double[]> dense(Problem problem, SortedMap<String, double[]> results) {
        SortedMap<String, double[]> dense = new TreeMap<>();
        problem.parameters().forEach((name, numbers) -> {
            double[] ids = results.get(name + IDS);
            double[] rows = results.get(name + ROWS);
            int tableRows = numbers.shape()[0];
            int width = numbers.values().length / tableRows;
            int samples = problem.samples();
            int most = ids.length / samples;
            double[] gradients = new double[samples * tableRows * width];
            for (int i = 0; i < ids.length; i++) {
                for (int j = 0; j < width; j++) {
                    double value = rows[i * width + j];
                    if (ids[i] < 0) {
                        assertThat(value).isZero();
                    } else {
                        gradients[(i / most * tableRows + (int) ids[i]) * width + j] += value;
                    }
                }
            }
            dense.put(name + "/grad_batch", gradients);
        });
        return dense;
    }

    private static SortedMap<String, double[]> gradients(Problem problem) {
        SortedMap<String, double[]> expected = new TreeMap<>(new FirstOrder(problem).results());
        expected.keySet().removeIf(name -> !name.endsWith("/grad_batch"));
        return expected;
    }

    @ParameterizedTest
    @EnumSource
    void rows_at_their_places_are_the_gradients(Kind kind) {
        Random random = Randomness.of("rows of " + kind);
        for (Setting setting : List.of(Setting.FLOAT64, Setting.FLOAT32)) {
            // More rows than positions, and fewer.
            for (int positions : new int[] {1 + random.nextInt(5), 9}) {
                Problem problem = problem(random, kind, 7, 1 + random.nextInt(4), 5, positions);
                try (Passes passes = new Passes(setting)) {
                    List<Request<?>> requests = List.of(passes.request("BatchGradRows", Map.of()));
                    for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(2))) {
                        SortedMap<String, double[]> actual = passes.run(problem, requests, options);
                        setting.assertClose(kind.name(), dense(problem, actual), gradients(problem));
                        assertThat(actual.get(TABLE + IDS)).hasSize(5 * Math.min(7, positions));
                    }
                }
            }
        }
    }

    @Test
    void ids_ascend_without_repetitions_and_padding() {
        Problem drawn = problem(new Random(1), Kind.PADDED, 6, 2, 2, 4);
        Problem problem = new Problem(
                drawn.model(),
                Map.of("input", new Numbers(new int[] {2, 4}, new double[] {5, 2, 0, 5, 2, 2, 2, 2})),
                drawn.targets(),
                drawn.parameters());
        BatchGradRows rows = new BatchGradRows();
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            passes.withModel(problem, (model, batch) -> {
                try (Results results = passes.backpack().compute(model, batch, rows)) {
                    RowGradients ofTable = results.get(rows, TABLE);
                    assertThat(ofTable.ids().dtype()).isEqualTo(DType.INT64);
                    assertThat(ofTable.ids().toLongArray()).containsExactly(0, 5, -1, -1, -1, -1, -1, -1);
                    assertThat(ofTable.idsOf(0)).containsExactly(0, 5);
                    assertThat(ofTable.idsOf(1)).isEmpty();
                    assertThat(ofTable.rows().shape()).isEqualTo(Shape.of(2, 4, 2));
                    RowGradients ofBias = results.get(rows, "last.bias");
                    assertThat(ofBias.idsOf(1)).containsExactly(0, 1, 2);
                    assertThat(ofBias.rows().shape()).isEqualTo(Shape.of(2, CLASSES));
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void chosen_samples_come_in_their_order_under_another_name(Kind kind) {
        Problem problem = problem(Randomness.of("chosen rows of " + kind), kind, 8, 3, 5, 4);
        int[] chosen = {0, 4, 2, 4};
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            Request<?> all = passes.request("BatchGradRows", Map.of()).only("table.*");
            Request<?> some = passes.request("BatchGradRows", Map.of("subsampling", List.of(0, 4, 2, 4)))
                    .only("table.*")
                    .as("some");
            for (PassOptions options : List.of(PassOptions.DEFAULT.chunk(2), PassOptions.DEFAULT)) {
                SortedMap<String, double[]> results = passes.run(problem, List.of(all, some), options);
                assertThat(results).doesNotContainKey("last.weight/some/rows");
                for (String part : List.of("ids", "rows")) {
                    double[] ofAll = results.get(TABLE + "/grad_batch_rows/" + part);
                    int size = ofAll.length / 5;
                    double[] expected = Arrays.stream(chosen)
                            .boxed()
                            .flatMapToDouble(n -> Arrays.stream(ofAll, n * size, (n + 1) * size))
                            .toArray();
                    assertThat(results.get(TABLE + "/some/" + part)).isEqualTo(expected);
                }
            }
        }
    }

    /** A table that is looked up twice, and perhaps multiplied with. */
    private static Problem tied(Random random, boolean linear) {
        int rows = 9;
        List<NodeDescription> nodes = new ArrayList<>(List.of(
                table("table", Kind.PADDED, rows, CLASSES, "input"),
                new NodeDescription(
                        "other",
                        "EmbeddingBag",
                        Map.of("num_embeddings", rows, "embedding_dim", CLASSES, "mode", "sum"),
                        List.of("second"),
                        Frozen.NONE,
                        Map.of("weight", TABLE)),
                new NodeDescription("mean", "Mean", Map.of("dim", 1), List.of("table")),
                new NodeDescription("sum", "Sum", Map.of(), List.of("mean", "other")),
                new NodeDescription("tanh", "Tanh", Map.of(), List.of("sum"))));
        if (linear) {
            nodes.add(new NodeDescription(
                    "out",
                    "Linear",
                    Map.of("in_features", CLASSES, "out_features", rows, "bias", false),
                    List.of("tanh"),
                    Frozen.NONE,
                    Map.of("weight", TABLE)));
        }
        return new Problem(
                model(List.of("input", "second"), nodes),
                Map.of("input", whole(rows, random, 4, 3), "second", whole(rows, random, 4, 2)),
                whole(CLASSES, random, 4),
                Map.of(TABLE, normal(random, rows, CLASSES)));
    }

    @Test
    void uses_of_one_table_are_one_lookup_and_with_a_linear_map_all_rows() {
        Random random = Randomness.of("tied tables");
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(
                    passes.request("BatchGradRows", Map.of()),
                    passes.request("BatchL2Grad", Map.of()),
                    passes.request("Variance", Map.of()));
            for (boolean linear : new boolean[] {false, true}) {
                Problem problem = tied(random, linear);
                SortedMap<String, double[]> expected = new TreeMap<>(new FirstOrder(problem).results());
                for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(3))) {
                    SortedMap<String, double[]> actual = passes.run(problem, requests, options);
                    Setting.FLOAT64.assertClose("tied", dense(problem, actual), gradients(problem));
                    assertThat(actual.get(TABLE + IDS)).hasSize(4 * (linear ? 9 : 5));
                    for (String name : List.of("/batch_l2", "/variance")) {
                        Setting.FLOAT64.assertClose(
                                "tied",
                                Map.of(name, actual.get(TABLE + name)),
                                Map.of(name, expected.get(TABLE + name)));
                    }
                }
            }
        }
    }

    @Test
    void sessions_put_rows_of_batches_behind_each_other() {
        Problem problem = problem(Randomness.of("sessions of rows"), Kind.PADDED, 9, 2, 5, 4);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(passes.request("BatchGradRows", Map.of()));
            try (Sessions sessions = new Sessions(passes, problem, requests, SessionOptions.DEFAULT);
                    Session first = sessions.open();
                    Session second = sessions.open()) {
                sessions.add(first, 0, 1);
                sessions.add(second, 2);
                sessions.add(second, 3, 4);
                first.merge(second.state());
                SortedMap<String, double[]> merged = new TreeMap<>();
                try (Results results = first.results()) {
                    results.tensors().forEach((name, tensor) -> merged.put(name, tensor.toDoubleArray()));
                    assertThat(results.tensors().get(TABLE + IDS).dtype()).isEqualTo(DType.INT64);
                }
                Setting.FLOAT64.assertClose("session", dense(problem, merged), gradients(problem));
            }
            List<Request<?>> chosen = List.of(passes.request("BatchGradRows", Map.of("subsampling", List.of(0))));
            try (Sessions sessions = new Sessions(passes, problem, chosen, SessionOptions.DEFAULT)) {
                assertThatThrownBy(sessions::open).hasMessageContainingAll("BatchGradRows", "subsampling");
            }
        }
    }

    /** 200,000 rows of 64 numbers, of which 256 samples look up 16 each: the dense gradients have 13 GB. */
    @Test
    void rows_of_a_large_table_take_the_memory_of_what_occurs() {
        Problem problem = problem(new Random(1), Kind.EMBEDDING, 200_000, 64, 256, 16);
        long gradient = 4L * 200_000 * 64;
        try (Passes passes = new Passes(Setting.FLOAT32)) {
            List<Request<?>> requests =
                    List.of(passes.request("BatchGradRows", Map.of()).only(TABLE));
            passes.withModel(problem, (model, batch) -> {
                Plan plan = passes.backpack().plan(model, batch, requests, PassOptions.DEFAULT);
                assertThat(plan.peakBytes()).isLessThan(gradient + 16 * MIB);
                try (Results results = plan.run(batch, 0)) {
                    assertThat(results.tensors().get(TABLE + ROWS).shape()).isEqualTo(Shape.of(256, 16, 64));
                }
            });
        }
    }

    @Test
    void rows_leave_by_parts_that_cover_them() {
        Problem problem = problem(Randomness.of("rows that leave"), Kind.EMBEDDING, 9, 2, 5, 4);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(passes.request("BatchGradRows", Map.of()));
            SortedMap<String, double[]> whole = passes.run(problem, requests, PassOptions.DEFAULT);
            passes.withModel(problem, (model, batch) -> {
                Map<String, double[]> taken = new HashMap<>();
                Plan plan = passes.backpack()
                        .plan(
                                model,
                                batch,
                                requests,
                                PassOptions.DEFAULT.chunk(2).handingOver());
                ResultTaker taker = (name, shape, origin, part) -> {
                    double[] target = taken.computeIfAbsent(name, absent -> new double[(int) shape.elements()]);
                    double[] own = part.toDoubleArray();
                    int from = (int) (origin[0] * shape.elements() / shape.size(0));
                    System.arraycopy(own, 0, target, from, own.length);
                };
                plan.run(batch, RunOptions.seed(0).taker(taker)).close();
                assertThat(taken).hasSize(6);
                taken.forEach((name, values) -> assertThat(values).isEqualTo(whole.get(name)));
            });
        }
    }
}
