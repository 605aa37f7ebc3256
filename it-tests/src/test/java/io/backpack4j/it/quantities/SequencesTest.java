// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What reference cases of embeddings and recurrent layers do not see: lengths, tables larger than batches, Kronecker
 * factors of tables, and what is refused.
 */
class SequencesTest {

    private static final long MIB = 1 << 20;
    private static final int SAMPLES = 3;
    private static final int STEPS = 4;

    private static NodeDescription node(String name, String type, Map<String, Object> arguments, String... inputs) {
        return new NodeDescription(name, type, arguments, List.of(inputs));
    }

    private static ModelDescription model(List<String> inputs, String loss, NodeDescription... nodes) {
        return new ModelDescription(List.of(nodes), inputs, Optional.empty(), new LossDescription(loss, Map.of()));
    }

    private static Numbers normal(Random random, int... shape) {
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Numbers(
                shape,
                IntStream.range(0, count)
                        .mapToDouble(i -> random.nextGaussian())
                        .toArray());
    }

    private static Numbers whole(int bound, Random random, int... shape) {
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Numbers(shape, random.ints(count, 0, bound).asDoubleStream().toArray());
    }

    /** A layer whose sequences have lengths, and everything behind it. */
    private static Problem withLengths(String type, Random random, int steps, double behind, boolean states) {
        int gates = type.equals("LSTM") ? 4 : type.equals("GRU") ? 3 : 1;
        Map<String, Object> arguments =
                Map.of("input_size", 2, "hidden_size", 2, "bidirectional", true, "batch_first", true, "lengths", true);
        Map<String, Numbers> inputs = new LinkedHashMap<>();
        double[] lengths = {2, STEPS, 1};
        Numbers sequences = normal(random, SAMPLES, STEPS, 2);
        double[] padded = new double[SAMPLES * steps * 2];
        for (int i = 0; i < padded.length; i++) {
            int time = i / 2 % steps;
            int sample = i / (2 * steps);
            padded[i] = time < lengths[sample] ? sequences.values()[(sample * STEPS + time) * 2 + i % 2] : behind;
        }
        inputs.put("input", new Numbers(new int[] {SAMPLES, steps, 2}, padded));
        if (states) {
            inputs.put("h0", normal(random, SAMPLES, 2, 2));
            if (type.equals("LSTM")) {
                inputs.put("c0", normal(random, SAMPLES, 2, 2));
            }
        }
        inputs.put("lengths", new Numbers(new int[] {SAMPLES}, lengths));
        Map<String, Numbers> parameters = new LinkedHashMap<>();
        for (String suffix : List.of("_l0", "_l0_reverse")) {
            parameters.put("rnn.weight_ih" + suffix, normal(random, gates * 2, 2));
            parameters.put("rnn.weight_hh" + suffix, normal(random, gates * 2, 2));
            parameters.put("rnn.bias_ih" + suffix, normal(random, gates * 2));
            parameters.put("rnn.bias_hh" + suffix, normal(random, gates * 2));
        }
        ModelDescription model = model(
                List.copyOf(inputs.keySet()),
                "MSELoss",
                node("rnn", type, arguments, inputs.keySet().toArray(String[]::new)),
                node("mean", "Slice", Map.of("slices", List.of(nulls(), Arrays.asList(0, STEPS, null))), "rnn"));
        return new Problem(model, inputs, normal(random, SAMPLES, STEPS, 4), parameters);
    }

    private static List<Object> nulls() {
        return Arrays.asList(null, null, null);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RNN", "LSTM", "GRU"})
    void lengths_are_those_of_sequences_of_their_own(String type) {
        for (boolean states : new boolean[] {false, true}) {
            Problem problem = withLengths(type, new Random(5), STEPS, 0, states);
            try (Passes passes = new Passes(Setting.FLOAT64)) {
                SortedMap<String, double[]> results = passes.firstOrder(problem, PassOptions.DEFAULT);
                Setting.FLOAT64.assertClose(type, results, new FirstOrder(problem).results());
                Setting.FLOAT64.assertClose(type, passes.firstOrder(problem, PassOptions.DEFAULT.chunk(2)), results);
            }
        }
    }

    /**
     * Neither numbers behind a sequence's end nor more steps of them change anything, Kronecker factors but for the
     * number of steps.
     */
    @ParameterizedTest
    @ValueSource(strings = {"RNN", "LSTM", "GRU"})
    void what_is_padded_changes_nothing(String type) {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = new ArrayList<>(passes.firstOrder());
            for (String extension : List.of("DiagGGNExact", "KFLR", "GGNMP", "HMP")) {
                requests.add(passes.request(extension, Map.of()));
            }
            Problem plain = withLengths(type, new Random(7), STEPS, 0, true);
            Map<String, Numbers> vectors = new LinkedHashMap<>();
            plain.parameters().forEach((name, numbers) -> {
                int[] shape = IntStream.concat(IntStream.of(1), Arrays.stream(numbers.shape()))
                        .toArray();
                vectors.put(name, normal(new Random(9), shape));
            });
            SortedMap<String, double[]> expected = passes.run(plain, vectors, requests, PassOptions.DEFAULT);
            Problem other = withLengths(type, new Random(7), STEPS, 3.5, true);
            Setting.FLOAT64.assertClose(type, passes.run(other, vectors, requests, PassOptions.DEFAULT), expected);
            Problem longer = withLengths(type, new Random(7), STEPS + 3, -2.5, true);
            SortedMap<String, double[]> ofLonger = passes.run(longer, vectors, requests, PassOptions.DEFAULT);
            double share = (STEPS + 3.0) / STEPS;
            ofLonger.replaceAll((name, values) -> name.matches(".*weight.*/kflr/1")
                    ? Arrays.stream(values).map(value -> value * share).toArray()
                    : values);
            Setting.FLOAT64.assertClose(type, ofLonger, expected);
        }
    }

    private static Problem lookup(Random random, String type, int rows, int width, int samples, int positions) {
        NodeDescription[] nodes = {
            node("table", type, Map.of("num_embeddings", rows, "embedding_dim", width), "input"),
            node(
                    "mean",
                    type.equals("Embedding") ? "Mean" : "Identity",
                    type.equals("Embedding") ? Map.of("dim", 1) : Map.of(),
                    "table"),
            node("last", "Linear", Map.of("in_features", width, "out_features", 3), "mean")
        };
        return new Problem(
                model(List.of("input"), "CrossEntropyLoss", nodes),
                Map.of("input", whole(rows, random, samples, positions)),
                whole(3, random, samples),
                Map.of(
                        "table.weight", normal(random, rows, width),
                        "last.weight", normal(random, 3, width),
                        "last.bias", normal(random, 3)));
    }

    /**
     * An embedding is a linear map of unit vectors: its factors are that map's, of which the input side is diagonal.
     */
    @Test
    void the_factors_of_a_table_are_those_of_a_linear_map_of_unit_vectors() {
        Random random = new Random(3);
        int rows = 5;
        int width = 3;
        Problem problem = lookup(random, "Embedding", rows, width, 4, 6);
        Numbers ids = problem.inputs().get("input");
        double[] units = new double[ids.values().length * rows];
        for (int i = 0; i < ids.values().length; i++) {
            units[i * rows + (int) ids.values()[i]] = 1;
        }
        double[] table = problem.parameters().get("table.weight").values();
        double[] transposed = new double[table.length];
        for (int i = 0; i < table.length; i++) {
            transposed[i % width * rows + i / width] = table[i];
        }
        Map<String, Numbers> parameters = new LinkedHashMap<>(problem.parameters());
        parameters.put("table.weight", new Numbers(new int[] {width, rows}, transposed));
        List<NodeDescription> nodes = problem.model().nodes();
        Problem linear = new Problem(
                model(
                        List.of("input"),
                        "CrossEntropyLoss",
                        node(
                                "table",
                                "Linear",
                                Map.of("in_features", rows, "out_features", width, "bias", false),
                                "input"),
                        nodes.get(1),
                        nodes.get(2)),
                Map.of("input", new Numbers(new int[] {4, 6, rows}, units)),
                problem.targets(),
                parameters);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(passes.request("KFLR", Map.of()));
            for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(3))) {
                SortedMap<String, double[]> actual = passes.run(problem, requests, options);
                SortedMap<String, double[]> expected = passes.run(linear, requests, options);
                double[] dense = expected.get("table.weight/kflr/1");
                double[] diagonal = IntStream.range(0, rows)
                        .mapToDouble(i -> dense[i * (rows + 1)])
                        .toArray();
                Setting.FLOAT64.assertClose(
                        "factors",
                        Map.of("0", actual.get("table.weight/kflr/0"), "1", actual.get("table.weight/kflr/1")),
                        Map.of("0", expected.get("table.weight/kflr/0"), "1", diagonal));
                assertThat(Arrays.stream(dense).sum())
                        .isEqualTo(Arrays.stream(diagonal).sum());
            }
        }
    }

    /** 200,000 rows of 64 numbers, of which 256 samples look up 16 each. */
    @Test
    void norms_of_a_large_table_take_little_beside_model_batch_and_gradient() {
        int rows = 200_000;
        int width = 64;
        Problem problem = lookup(new Random(1), "Embedding", rows, width, 256, 16);
        try (Passes passes = new Passes(Setting.FLOAT32)) {
            long gradient = 4L * rows * width;
            long peak = passes.peak(problem, List.of(passes.request("BatchL2Grad", Map.of())), PassOptions.DEFAULT);
            assertThat(peak).as("planned peak beside the model").isLessThan(gradient + 100 * MIB);
        }
    }

    /** Gradients of single samples are dense in a file, 5 MiB each, and leave before all of them are there. */
    @Test
    void gradients_of_single_samples_of_a_large_table_leave_part_by_part() {
        int rows = 20_000;
        int width = 64;
        Problem problem = lookup(new Random(1), "Embedding", rows, width, 64, 4);
        try (Passes passes = new Passes(Setting.FLOAT32)) {
            List<Request<?>> requests = List.of(passes.request("BatchGrad", Map.of()));
            PassOptions options = PassOptions.DEFAULT.memory(48 * MIB).handingOver();
            long dense = 4L * 64 * rows * width;
            assertThat(passes.peak(problem, requests, options))
                    .as("planned peak, the dense whole having %,d bytes", dense)
                    .isLessThan(48 * MIB)
                    .isLessThan(dense / 6);
        }
    }

    private static void assertRefused(Problem problem, String extension, Map<String, Object> options, String... words) {
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> requests = List.of(passes.request(extension, options));
            assertThatThrownBy(() -> passes.run(problem, requests, PassOptions.DEFAULT))
                    .hasMessageContainingAll(words);
        }
    }

    @Test
    void factors_that_a_table_does_not_have_are_refused_by_name() {
        Problem table = lookup(new Random(2), "Embedding", 4, 2, 3, 2);
        assertRefused(table, "KFLR", Map.of("convention", "reduce"), "Embedding", "convention=expand");
        Problem bag = lookup(new Random(2), "EmbeddingBag", 4, 2, 3, 2);
        assertRefused(bag, "KFAC", Map.of(), "EmbeddingBag", "parameters=[…]");
        Random random = new Random(4);
        Problem tied = new Problem(
                model(
                        List.of("input"),
                        "MSELoss",
                        node("table", "Embedding", Map.of("num_embeddings", 4, "embedding_dim", 2), "input"),
                        new NodeDescription(
                                "out",
                                "Linear",
                                Map.of("in_features", 2, "out_features", 4, "bias", false),
                                List.of("table"),
                                Frozen.NONE,
                                Map.of("weight", "table.weight"))),
                Map.of("input", whole(4, random, 3, 2)),
                normal(random, 3, 2, 4),
                Map.of("table.weight", normal(random, 4, 2)));
        assertRefused(tied, "KFAC", Map.of(), "[TiedParameter]", "'table.weight'", "Embedding", "Linear");
    }

    @Test
    void recurrent_layers_are_refused_by_name_where_no_matrix_at_an_output_makes_their_curvature() {
        Problem problem = withLengths("GRU", new Random(6), STEPS, 0, false);
        assertRefused(problem, "KFRA", Map.of(), "[UnsupportedModule]", "'rnn' (GRU)", "KFLR or KFAC");
        assertRefused(problem, "PCHMP", Map.of(), "'rnn' (GRU)");
    }

    /** At recurrent layers, and below them where nothing at an output makes their curvature. */
    @ParameterizedTest
    @CsvSource({"DiagHessian, rnn.weight_hh_l0", "DiagHessian, below.weight", "BatchDiagHessian, below.bias"})
    void exact_diagonals_without_products_are_refused_at_and_below_recurrent_layers(
            String extension, String parameter) {
        Random random = new Random(8);
        Problem problem = new Problem(
                model(
                        List.of("input"),
                        "MSELoss",
                        node("below", "Linear", Map.of("in_features", 2, "out_features", 3), "input"),
                        node("rnn", "GRU", Map.of("input_size", 3, "hidden_size", 2, "batch_first", true), "below")),
                Map.of("input", normal(random, 3, STEPS, 2)),
                normal(random, 3, STEPS, 2),
                Map.of(
                        "below.weight", normal(random, 3, 2),
                        "below.bias", normal(random, 3),
                        "rnn.weight_ih_l0", normal(random, 6, 3),
                        "rnn.weight_hh_l0", normal(random, 6, 2),
                        "rnn.bias_ih_l0", normal(random, 6),
                        "rnn.bias_hh_l0", normal(random, 6)));
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Request<?>> refused =
                    List.of(passes.request(extension, Map.of()).only(parameter));
            assertThatThrownBy(() -> passes.run(problem, refused, PassOptions.DEFAULT))
                    .hasMessageContainingAll(
                            "'rnn' (GRU)", extension + "(products=true)", "Hutchinson's estimate of the diagonal");
            List<Request<?>> exact =
                    List.of(passes.request(extension, Map.of("products", true)).only(parameter));
            assertThat(passes.run(problem, exact, PassOptions.DEFAULT)).isNotEmpty();
        }
    }

    @Test
    void lengths_and_rows_beyond_the_end_are_refused_with_their_sample() {
        Problem problem = withLengths("LSTM", new Random(6), STEPS, 0, false);
        Map<String, Numbers> inputs = new LinkedHashMap<>(problem.inputs());
        inputs.put("lengths", new Numbers(new int[] {SAMPLES}, new double[] {2, STEPS + 1, 1}));
        Problem wrong = new Problem(problem.model(), inputs, problem.targets(), problem.parameters());
        assertRefused(wrong, "BatchL2Grad", Map.of(), "[IndexOutOfRange]", "4 steps", "length of sample 1 is 5");
        Problem table = lookup(new Random(2), "Embedding", 4, 2, 3, 2);
        Problem beyond = new Problem(
                table.model(),
                Map.of("input", new Numbers(new int[] {3, 2}, new double[] {0, 1, 2, 4, 3, 3})),
                table.targets(),
                table.parameters());
        assertRefused(beyond, "BatchL2Grad", Map.of(), "[IndexOutOfRange]", "sample 1 looks up row 4 at position 1");
    }
}
