// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Histograms of gradients of all kinds of parameters, whatever is split, and whatever the factor of the loss. */
class HistogramTest {

    /** A power of two, so that the loss's factor shifts no number against an edge. */
    private static final int N = 8;

    private static final int BINS = 20;
    private static final int BINS_OF_VALUES = 7;
    private static final double[] RANGE = {-0.25, 0.25};
    private static final double[] RANGES = {-0.125, 0.375, -0.5, 0.5};
    private static final long SEED = Randomness.seed(20260102L);

    @TempDir
    Path folder;

    /** A convolution, a weight with positions that two nodes share, with its bias, and one without positions. */
    private static Graph network() {
        return Graph.builder()
                .add("conv", Conv.of(2, 2, 3, 2))
                .add("relu", new ReLU())
                .add("first", new Linear(4, 4))
                .add("between", new ReLU())
                .add(new Graph.Node(
                        "second",
                        new Linear(4, 4),
                        List.of(),
                        Frozen.NONE,
                        Map.of("weight", "first.weight", "bias", "first.bias")))
                .add("flat", new Flatten())
                .add("last", new Linear(48, 5))
                .build();
    }

    private static BackPack open(String kernels) {
        return BackPack.builder()
                .backend("cpu")
                .threads(2)
                .properties(Map.of("backpack.cpu.kernels", kernels))
                .build();
    }

    private static Model model(BackPack backpack, DType dtype, LossReduction reduction) {
        Model model = backpack.model(network(), new CrossEntropyLoss(reduction), dtype, Shape.of(2, 5, 5));
        model.parameters().initialize(SEED);
        return model;
    }

    private static Batch batch(BackPack backpack, DType dtype, int from, int to) {
        Random random = new Random(SEED);
        double[] all = random.doubles(N * 50L, -1, 1).toArray();
        long[] labels = random.longs(N, 0, 5).toArray();
        return backpack.batch(dtype)
                .input(Graph.INPUT, Shape.of(to - from, 2, 5, 5), Arrays.copyOfRange(all, from * 50, to * 50))
                .targets(Shape.of(to - from), Arrays.copyOfRange(labels, from, to))
                .sampleIds(LongStream.range(from, to).toArray())
                .build();
    }

    private static RunOperands operands(TensorScope scope, BackPack backpack, Model model, double... range) {
        DType dtype = model.dtype();
        Tensor ranges = backpack.backend().upload(scope, Shape.of(2, 2), dtype, RANGES);
        RunOperands operands = RunOperands.NONE.with(Histograms.RANGES, ranges);
        for (String parameter : model.parameters().trainable()) {
            Tensor own = backpack.backend().upload(scope, Shape.of(2), dtype, range);
            operands = operands.with(Histograms.RANGE, parameter, own);
        }
        return operands;
    }

    /** Counts as doubles, and everything else. */
    private static Map<String, double[]> arrays(Results results) {
        Map<String, double[]> arrays = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> {
            boolean counts =
                    name.endsWith("hist/gradients") || name.endsWith("hist/columns") || name.endsWith("_pairs");
            assertThat(tensor.dtype() == DType.INT64).as(name).isEqualTo(counts);
            arrays.put(
                    name,
                    counts
                            ? Arrays.stream(tensor.toLongArray())
                                    .asDoubleStream()
                                    .toArray()
                            : tensor.toDoubleArray());
        });
        return arrays;
    }

    private static Map<String, double[]> run(
            BackPack backpack, Model model, boolean rows, PassOptions options, double... range) {
        List<Request<?>> requests = List.of(Request.of(new Histograms(BINS, BINS_OF_VALUES, rows)));
        try (Batch batch = batch(backpack, model.dtype(), 0, N);
                TensorScope scope = backpack.backend().openScope()) {
            Plan plan = backpack.plan(model, batch, requests, options);
            RunOptions run = RunOptions.seed(0).operands(operands(scope, backpack, model, range));
            try (Results results = plan.run(batch, run)) {
                return arrays(results);
            }
        }
    }

    private static int bin(double x, double low, double high, int bins) {
        int reached = 0;
        for (int i = 1; i < bins; i++) {
            reached += x >= (low * (bins - i) + high * i) / bins ? 1 : 0;
        }
        return Double.isNaN(x) ? bins : reached;
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT32, onednn, SUM",
        "FLOAT32, nd4j, MEAN",
        "FLOAT32, onednn, MEAN",
        "FLOAT64, onednn, MEAN",
        "FLOAT64, nd4j, SUM"
    })
    void counts_are_those_of_the_gradients_without_the_factor(DType dtype, String kernels, LossReduction reduction) {
        try (BackPack backpack = open(kernels);
                Model model = model(backpack, dtype, reduction)) {
            Map<String, double[]> with = run(backpack, model, true, PassOptions.DEFAULT, RANGE);
            Map<String, double[]> without = run(backpack, model, false, PassOptions.DEFAULT, RANGE);
            double c = reduction == LossReduction.SUM ? 1 : 1.0 / N;
            int found = 0;
            for (String parameter : model.parameters().trainable()) {
                double[] values = model.parameters().get(parameter).toDoubleArray();
                for (String name : List.of("gradients", "columns")) {
                    double factor = name.equals("columns") ? Math.sqrt(c) : c;
                    String result = parameter + "/hist/" + name;
                    double[] gradients = with.get(result + "_rows");
                    double[] counts = new double[BINS + 1];
                    double[] pairs = new double[(BINS + 1) * (BINS_OF_VALUES + 1)];
                    for (int i = 0; i < gradients.length; i++) {
                        counts[bin(gradients[i], RANGE[0] * factor, RANGE[1] * factor, BINS)]++;
                        int row = bin(gradients[i], RANGES[0] * factor, RANGES[1] * factor, BINS);
                        int column = bin(values[i % values.length], RANGES[2], RANGES[3], BINS_OF_VALUES);
                        pairs[row * (BINS_OF_VALUES + 1) + column]++;
                    }
                    for (Map<String, double[]> run : List.of(with, without)) {
                        assertThat(run.get(result))
                                .as("%s, seed %d", result, SEED)
                                .containsExactly(counts);
                        assertThat(run.get(result + "_pairs"))
                                .as("%s_pairs, seed %d", result, SEED)
                                .containsExactly(pairs);
                    }
                    assertThat(Arrays.stream(counts).filter(count -> count > 0).count())
                            .as(result)
                            .isGreaterThan(2);
                    found++;
                }
                assertThat(with.get(parameter + "/hist/edges")).containsExactly(RANGE);
            }
            assertThat(found).isEqualTo(12);
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT32", "FLOAT64"})
    void chunks_and_blocks_of_columns_count_the_same(DType dtype) {
        try (BackPack backpack = open("onednn");
                Model model = model(backpack, dtype, LossReduction.MEAN)) {
            Map<String, double[]> whole = run(backpack, model, false, PassOptions.DEFAULT, RANGE);
            for (PassOptions options : List.of(
                    PassOptions.DEFAULT.chunk(3),
                    PassOptions.DEFAULT.block(2),
                    PassOptions.DEFAULT.chunk(1).block(1),
                    PassOptions.DEFAULT.memory(16 << 20))) {
                Map<String, double[]> split = run(backpack, model, false, options, RANGE);
                whole.forEach((name, values) -> {
                    if (name.contains("/hist/")) {
                        assertThat(split.get(name))
                                .as("%s of %s, seed %d", name, options, SEED)
                                .containsExactly(values);
                    }
                });
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"SUM", "MEAN"})
    void sessions_merge_counts_exactly(LossReduction reduction) {
        var requests = List.<Request<?>>of(Request.of(new Histograms(BINS, BINS_OF_VALUES, false)));
        try (BackPack backpack = open("onednn");
                Model model = model(backpack, DType.FLOAT32, reduction);
                TensorScope scope = backpack.backend().openScope();
                Session session = backpack.session(model, requests, SessionOptions.DEFAULT);
                Session other = backpack.session(model, requests, SessionOptions.DEFAULT);
                Session reopened = backpack.session(model, requests, SessionOptions.DEFAULT)) {
            Map<String, double[]> whole = run(backpack, model, false, PassOptions.DEFAULT, RANGE);
            RunOperands operands = operands(scope, backpack, model, RANGE);
            add(backpack, session, operands, 0, 3);
            add(backpack, other, operands, 3, 4);
            add(backpack, session, operands(scope, backpack, model, RANGE), 4, N);
            session.merge(other);
            Path file = folder.resolve("session.safetensors");
            SessionFile.save(session, file);
            SessionFile.load(reopened, file);
            for (Session each : List.of(session, reopened)) {
                try (Results results = each.results()) {
                    Map<String, double[]> merged = arrays(results);
                    whole.forEach((name, values) -> {
                        if (name.contains("/hist/")) {
                            assertThat(merged.get(name))
                                    .as("%s, seed %d", name, SEED)
                                    .containsExactly(values);
                        }
                    });
                }
            }
        }
    }

    private static void add(BackPack backpack, Session session, RunOperands operands, int from, int to) {
        try (Batch batch = batch(backpack, DType.FLOAT32, from, to)) {
            session.add(batch, operands);
        }
    }

    @Test
    void sessions_refuse_other_edges() {
        var requests = List.<Request<?>>of(Request.of(new Histograms(BINS, BINS_OF_VALUES, false)));
        try (BackPack backpack = open("onednn");
                Model model = model(backpack, DType.FLOAT32, LossReduction.SUM);
                TensorScope scope = backpack.backend().openScope();
                Session session = backpack.session(model, requests, SessionOptions.DEFAULT);
                Session other = backpack.session(model, requests, SessionOptions.DEFAULT);
                Session empty = backpack.session(model, requests, SessionOptions.DEFAULT)) {
            RunOperands operands = operands(scope, backpack, model, RANGE);
            Tensor changed = backpack.backend().upload(scope, Shape.of(2), DType.FLOAT32, new double[] {-0.25, 0.5});
            RunOperands others = operands.with(Histograms.RANGE, "last.bias", changed);
            String message =
                    " comes with other numbers of operand 'range' of 'last.bias' than the session was begun with: what was accumulated is of those. Open another session for them.";
            add(backpack, session, operands, 0, 3);
            assertThatThrownBy(() -> add(backpack, session, others, 3, 5))
                    .hasMessage("[OtherOperand] The batch" + message);
            add(backpack, other, others, 3, 5);
            assertThatThrownBy(() -> session.merge(other)).hasMessage("[OtherOperand] The other session" + message);
            assertThat(session.samples()).isEqualTo(3);
            add(backpack, session, operands, 3, 5);
            empty.merge(other);
            assertThatThrownBy(() -> add(backpack, empty, operands, 0, 3)).hasMessageContaining(message);
        }
    }

    @Test
    void other_edges_make_no_other_plan() {
        var requests = List.<Request<?>>of(Request.of(new Histograms(BINS, BINS_OF_VALUES, false)));
        try (BackPack backpack = open("onednn");
                Model model = model(backpack, DType.FLOAT64, LossReduction.MEAN);
                TensorScope scope = backpack.backend().openScope();
                Batch batch = batch(backpack, DType.FLOAT64, 0, N)) {
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
            RunOptions narrow = RunOptions.seed(0).operands(operands(scope, backpack, model, -1e-3, 1e-3));
            try (Results wide = plan.run(batch, RunOptions.seed(0).operands(operands(scope, backpack, model, RANGE)));
                    Results narrowed = plan.run(batch, narrow)) {
                assertThat(narrowed.tensors().get("last.weight/hist/gradients").toLongArray())
                        .isNotEqualTo(
                                wide.tensors().get("last.weight/hist/gradients").toLongArray());
            }
            assertThat(backpack.plan(model, batch, requests, PassOptions.DEFAULT))
                    .isSameAs(plan);
        }
    }
}
