// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Permute;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Extremes, traces and comparisons with the batch's sum are those of the gradients themselves, however the batch is
 * split.
 */
class SignalStatisticsTest {

    private static final long SEED = Randomness.seed(1);
    private static final int N = 6;
    private static final int CLASSES = 3;

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() {
        System.out.println("Statistics of -Dbackpack.test.seed=" + SEED);
        backpack = BackPack.builder().backend("cpu").threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private enum Net {
        PERCEPTRON(Shape.of(4)),
        TIED(Shape.of(4)),
        CONVOLUTIONS(Shape.of(2, 5, 4)),
        SEQUENCE(Shape.of(5, 4));

        private final Shape input;

        Net(Shape input) {
            this.input = input;
        }

        Graph graph() {
            return switch (this) {
                case PERCEPTRON -> Graph.sequential(new Linear(4, 6), new Tanh(), new Linear(6, CLASSES));
                case TIED ->
                    Graph.builder()
                            .add("first", new Linear(4, 4))
                            .add("between", new Tanh())
                            .add(new Graph.Node(
                                    "second",
                                    new Linear(4, 4),
                                    List.of(),
                                    Frozen.NONE,
                                    Map.of("weight", "first.weight", "bias", "first.bias")))
                            .add("after", new Tanh())
                            .add("last", new Linear(4, CLASSES))
                            .build();
                case CONVOLUTIONS ->
                    Graph.sequential(
                            Conv.of(2, 2, 4, 3).withPadding(1),
                            new Tanh(),
                            Conv.of(2, 4, 6, 3).withGroups(2),
                            new Tanh(),
                            new Flatten(),
                            new Linear(36, CLASSES));
                case SEQUENCE -> Graph.sequential(new Linear(4, 6), new Tanh(), new Flatten(), new Linear(30, CLASSES));
            };
        }
    }

    private static Batch batch(Net net, DType dtype, long... ids) {
        double[] inputs = new double[ids.length * (int) net.input.elements()];
        long[] labels = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            Random random = new Random(SEED * 1000 + ids[i]);
            for (int j = 0; j < net.input.elements(); j++) {
                inputs[i * (int) net.input.elements() + j] = (float) random.nextGaussian();
            }
            labels[i] = random.nextInt(CLASSES);
        }
        return backpack.batch(dtype)
                .input(Graph.INPUT, net.input.prepend(ids.length), inputs)
                .targets(Shape.of(ids.length), labels)
                .sampleIds(ids)
                .build();
    }

    private static Model model(Net net, DType dtype, LossReduction reduction) {
        Model model = backpack.model(net.graph(), new CrossEntropyLoss(reduction), dtype, net.input);
        model.parameters().initialize(SEED);
        return model;
    }

    private static Map<String, double[]> run(Net net, DType dtype, PassOptions options, Request<?>... requests) {
        try (Model model = model(net, dtype, LossReduction.MEAN);
                Batch batch = batch(net, dtype, 0, 1, 2, 3, 4, 5);
                Results results =
                        backpack.plan(model, batch, List.of(requests), options).run(batch)) {
            return arrays(results);
        }
    }

    private static Map<String, double[]> arrays(Results results) {
        Map<String, double[]> arrays = new TreeMap<>();
        results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        return arrays;
    }

    /** By the definitions, of {@code [V, N, P]}. */
    private static Map<String, double[]> statistics(double[] gradients, int columns) {
        int size = gradients.length / (columns * N);
        double[] sums = new double[columns * size];
        double[] mean = new double[size];
        for (int i = 0; i < gradients.length; i++) {
            sums[i / (N * size) * size + i % size] += gradients[i];
            mean[i % size] += gradients[i] / (columns * N);
        }
        double[] extremes = {-Double.MAX_VALUE, -Double.MAX_VALUE, 0};
        double[] trace = new double[1];
        double[] centred = new double[1];
        double[] norms = new double[columns * N];
        double[] dots = new double[columns * N];
        for (int i = 0; i < gradients.length; i++) {
            double g = gradients[i];
            extremes[0] = Math.max(extremes[0], -g);
            extremes[1] = Math.max(extremes[1], g);
            extremes[2] = Math.max(extremes[2], Math.abs(g));
            trace[0] += g * g;
            centred[0] += (g - mean[i % size]) * (g - mean[i % size]);
            norms[i / size] += g * g;
            dots[i / size] += g * sums[i / (N * size) * size + i % size];
        }
        Map<String, double[]> all = new LinkedHashMap<>();
        all.put("extremes", extremes);
        all.put("trace", trace);
        all.put("centred", centred);
        all.put("norms", norms);
        all.put("dots", dots);
        all.put("norm_of_sums", new double[] {Arrays.stream(dots).sum()});
        return all;
    }

    private static void assertStatistics(
            Map<String, double[]> results, String name, String gradients, int columns, double tolerance) {
        List<String> parameters = results.keySet().stream()
                .filter(key -> key.endsWith("/grad"))
                .map(key -> key.substring(0, key.length() - "/grad".length()))
                .toList();
        assertThat(parameters).hasSizeGreaterThanOrEqualTo(4);
        Map<String, double[]> totals = new LinkedHashMap<>();
        for (String parameter : parameters) {
            statistics(results.get(parameter + "/" + gradients), columns).forEach((kind, expected) -> {
                String key = parameter + "/" + name + "/" + kind;
                double scale = Math.max(
                        1e-3, Arrays.stream(expected).map(Math::abs).max().orElseThrow());
                assertThat(results.get(key)).as(key).containsExactly(expected, within(tolerance * scale));
                double[] total = totals.computeIfAbsent(kind, absent -> new double[expected.length]);
                Arrays.setAll(total, i -> total[i] + expected[i]);
            });
        }
        for (String kind : List.of("norms", "dots", "centred")) {
            assertThat(results.get("*/" + name + "/" + kind))
                    .as(kind)
                    .containsExactly(totals.get(kind), within(tolerance * 10));
        }
    }

    private static Request<?>[] requests(int withSum) {
        return new Request<?>[] {
            Request.of(new BatchGrad()),
            Request.of(new SqrtGGNExact()),
            Request.of(new SignalStatistics(new LossGradient(), withSum)),
            Request.of(new SignalStatistics(new LossHessianRoot(), withSum)).as("of_root")
        };
    }

    @ParameterizedTest
    @CsvSource({
        "PERCEPTRON, 6, 3, 1",
        "PERCEPTRON, 4, 1, 1",
        "PERCEPTRON, 1, 2, 2",
        "TIED, 6, 3, 1",
        "TIED, 2, 2, 1",
        "CONVOLUTIONS, 6, 3, 1",
        "CONVOLUTIONS, 5, 3, 2",
        "CONVOLUTIONS, 2, 1, 1",
        "SEQUENCE, 6, 3, 2",
        "SEQUENCE, 3, 2, 1"
    })
    void they_are_those_of_the_gradients_in_chunks_and_blocks(Net net, long chunk, long block, int withSum) {
        PassOptions options = PassOptions.DEFAULT.chunk(chunk).block(block);

        Map<String, double[]> results = run(net, DType.FLOAT64, options, requests(withSum));

        assertStatistics(results, "statistics", "grad_batch", 1, 1e-12);
        assertStatistics(results, "of_root", "sqrt_ggn_exact", CLASSES, 1e-12);
    }

    @ParameterizedTest
    @CsvSource({"PERCEPTRON, 6", "TIED, 4", "CONVOLUTIONS, 6", "CONVOLUTIONS, 4", "SEQUENCE, 4"})
    void single_precision_agrees_with_itself_in_double_precision(Net net, long chunk) {
        PassOptions options = PassOptions.DEFAULT.chunk(chunk);

        Map<String, double[]> results = run(net, DType.FLOAT32, options, requests(1));

        assertStatistics(results, "statistics", "grad_batch", 1, 2e-6);
        assertStatistics(results, "of_root", "sqrt_ggn_exact", CLASSES, 2e-6);
    }

    @Test
    void what_others_ask_for_changes_nothing() {
        Map<String, double[]> together = run(Net.PERCEPTRON, DType.FLOAT64, PassOptions.DEFAULT.chunk(4), requests(1));
        Request<?> only = Request.of(new SignalStatistics(new LossGradient()));

        Map<String, double[]> alone = run(Net.PERCEPTRON, DType.FLOAT64, PassOptions.DEFAULT.chunk(4), only);

        alone.forEach((name, values) -> assertThat(together.get(name)).as(name).containsExactly(values, within(1e-13)));
    }

    /** Cockpit's: √((1/(N(N−1))) (Σ ‖g_n‖²/‖ḡ‖² − N)), from norms and inner products with the sum over the network. */
    @ParameterizedTest
    @CsvSource({"6", "4"})
    void the_norm_test_follows_from_two_vectors_of_the_network(long chunk) {
        Map<String, double[]> results = run(
                Net.CONVOLUTIONS,
                DType.FLOAT64,
                PassOptions.DEFAULT.chunk(chunk),
                Request.of(new BatchGrad()),
                Request.of(new SignalStatistics(new LossGradient())));
        double ofMean = Arrays.stream(results.get("*/statistics/dots")).sum() / (N * N);
        double ofAll = Arrays.stream(results.get("*/statistics/norms")).sum();
        double actual = Math.sqrt((ofAll / ofMean - N) / (N * (N - 1.0)));

        List<double[]> gradients = new ArrayList<>();
        results.forEach((name, values) -> {
            if (name.endsWith("/grad_batch")) {
                gradients.add(values);
            }
        });
        double deviations = 0;
        double mean = 0;
        for (double[] ofParameter : gradients) {
            int size = ofParameter.length / N;
            for (int p = 0; p < size; p++) {
                double sum = 0;
                for (int n = 0; n < N; n++) {
                    sum += ofParameter[n * size + p];
                }
                mean += sum / N * sum / N;
                for (int n = 0; n < N; n++) {
                    deviations += Math.pow(ofParameter[n * size + p] - sum / N, 2);
                }
            }
        }
        assertThat(actual).isCloseTo(Math.sqrt(deviations / (N * (N - 1.0)) / mean), within(1e-12));
        assertThat(results.get("*/statistics/centred")[0]).isCloseTo(deviations, within(1e-12));
    }

    /** Gradients whose mean is ten thousand times their deviations, in single precision. */
    @ParameterizedTest
    @CsvSource({"64", "16", "7"})
    void centred_norms_do_not_cancel(long chunk) {
        int count = 64;
        Loss loss = new MSELoss(LossReduction.SUM);
        Map<DType, Double> centred = new LinkedHashMap<>();
        Random random = new Random(SEED);
        double[] inputs =
                random.doubles(count * 3L, 1, 1.0001).map(x -> (float) x).toArray();
        double[] targets =
                random.doubles(count * 2L, 100, 100.01).map(x -> (float) x).toArray();
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            try (Model model = backpack.model(Graph.sequential(new Linear(3, 2)), loss, dtype, Shape.of(3));
                    Batch batch = backpack.batch(dtype)
                            .input(Graph.INPUT, Shape.of(count, 3), inputs)
                            .targets(Shape.of(count, 2), targets)
                            .build()) {
                model.parameters().set("0.weight", new double[6]);
                model.parameters().set("0.bias", new double[2]);
                Request<?> request = Request.of(new SignalStatistics(new LossGradient()));
                try (Results results = backpack.plan(model, batch, List.of(request), PassOptions.DEFAULT.chunk(chunk))
                        .run(batch)) {
                    centred.put(dtype, arrays(results).get("0.weight/statistics/centred")[0]);
                }
            }
        }
        double exact = centred.get(DType.FLOAT64);
        assertThat(exact).isPositive();
        assertThat(centred.get(DType.FLOAT32)).isCloseTo(exact, within(2e-3 * exact));
    }

    @ParameterizedTest
    @CsvSource({"MEAN, FLOAT64", "SUM, FLOAT64", "MEAN, FLOAT32"})
    void sessions_merge_all_but_comparisons_with_a_batch_s_sum(LossReduction reduction, DType dtype) {
        Request<?> request = Request.of(new SignalStatistics(new LossGradient(), 0));
        Request<?> ofRoot =
                Request.of(new SignalStatistics(new LossHessianRoot(), 0)).as("of_root");
        double tolerance = dtype == DType.FLOAT64 ? 1e-13 : 1e-5;
        try (Model model = model(Net.CONVOLUTIONS, dtype, reduction)) {
            Map<String, double[]> whole;
            try (Batch all = batch(Net.CONVOLUTIONS, dtype, 0, 1, 2, 3, 4, 5);
                    Results results = backpack.plan(model, all, List.of(request, ofRoot), PassOptions.DEFAULT)
                            .run(all)) {
                whole = arrays(results);
            }
            Path file = folder.resolve("half.safetensors");
            try (Session session = backpack.session(model, List.of(request, ofRoot), SessionOptions.DEFAULT);
                    Batch first = batch(Net.CONVOLUTIONS, dtype, 0, 1, 2)) {
                session.add(first);
                SessionFile.save(session, file);
            }
            try (Session session = backpack.session(model, List.of(request, ofRoot), SessionOptions.DEFAULT);
                    Batch second = batch(Net.CONVOLUTIONS, dtype, 3, 4, 5)) {
                SessionFile.load(session, file);
                session.add(second);
                try (Results results = session.results()) {
                    Map<String, double[]> merged = arrays(results);
                    assertThat(merged).containsKeys("0.weight/statistics/centred", "0.bias/of_root/extremes");
                    whole.forEach((name, values) -> {
                        if (!name.equals("output")) {
                            assertThat(merged.get(name)).as(name).containsExactly(values, within(tolerance));
                        }
                    });
                }
            }
            assertThatThrownBy(() -> backpack.session(model, new SignalStatistics(new LossGradient())))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("SignalStatistics needs DotWithSum")
                    .hasMessageContaining("with every batch that is added the sum changes");
        }
    }

    @Test
    void a_trace_takes_superposed_columns_where_positions_do_not_mix() {
        int positions = 5;
        List<Module> modules = List.of(
                Counted.of(new Linear(4, 3)), new Tanh(), Counted.of(new Linear(3, CLASSES)), new Permute(0, 2, 1));
        Random random = new Random(SEED);
        double[] inputs = random.doubles(N * positions * 4L, -1, 1).toArray();
        long[] targets = random.longs(N * positions, 0, CLASSES).toArray();
        try (Model model = backpack.model(
                        Graph.sequential(modules.toArray(Module[]::new)),
                        new CrossEntropyLoss(),
                        DType.FLOAT64,
                        Shape.of(positions, 4));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(N, positions, 4), inputs)
                        .targets(Shape.of(N, positions), targets)
                        .build()) {
            model.parameters().initialize(SEED);
            List<PassOptions> splittings =
                    List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(4).block(1));
            Map<String, double[]> alone = new TreeMap<>();
            for (PassOptions options : splittings) {
                try (Results results = backpack.plan(model, batch, List.of(Request.of(new RootTrace())), options)
                        .run(batch)) {
                    alone.putAll(arrays(results));
                }
            }
            List<String> notes = ((Counted) modules.get(0)).notes();
            assertThat(notes).contains("weight TraceOverPositions of 2", "bias TraceOverPositions of 2");
            assertThat(notes).noneMatch(note -> note.contains(" Trace of"));
            long before = traces(modules.get(0));
            List<Request<?>> requests = List.of(Request.of(new RootTrace()), Request.of(new DiagGGNExact()));
            for (PassOptions options : splittings) {
                try (Results results =
                        backpack.plan(model, batch, requests, options).run(batch)) {
                    Map<String, double[]> arrays = arrays(results);
                    for (String parameter : List.of("0.weight", "0.bias", "2.weight", "2.bias")) {
                        double sum = Arrays.stream(arrays.get(parameter + "/diag_ggn_exact"))
                                .sum();
                        assertThat(arrays.get(parameter + "/trace")[0])
                                .as(parameter)
                                .isCloseTo(sum, within(4e-15 * sum))
                                .isCloseTo(alone.get(parameter + "/trace")[0], within(1e-13));
                    }
                }
            }
            assertThat(traces(modules.get(0)))
                    .as("traces beside a diagonal that is made anyway")
                    .isEqualTo(before);
        }
    }

    private static long traces(Module module) {
        return ((Counted) module)
                .notes().stream().filter(note -> note.contains("Trace")).count();
    }
}
