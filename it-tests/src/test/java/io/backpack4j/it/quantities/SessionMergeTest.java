// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.SessionFile;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.testkit.Randomness;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Sessions over parts of a data set, merged in random trees, are one pass over all of it. {@code
 * -Dbackpack.test.seed=…} draws others.
 */
class SessionMergeTest {

    private static final long SEED = Randomness.seed(1);
    private static final int TREES = 4;
    private static final long DRAWS = 23;

    /** What has no entry per sample. */
    private static List<Request<?>> merged(Passes passes) {
        return List.of(
                passes.request("Variance", Map.of()),
                passes.request("SumGradSquared", Map.of()),
                passes.request("DiagGGNExact", Map.of()),
                passes.request("DiagGGNMC", Map.of("mc_samples", 2)),
                passes.request("KFLR", Map.of()),
                passes.request("KFAC", Map.of("mc_samples", 3)));
    }

    /** What has one. */
    private static List<Request<?>> perSample(Passes passes) {
        return List.of(
                passes.request("BatchL2Grad", Map.of()),
                passes.request("BatchGrad", Map.of()),
                passes.request("SqrtGGNExact", Map.of()),
                passes.request("BatchDiagGGNMC", Map.of("mc_samples", 2)));
    }

    private static List<Request<?>> all(Passes passes) {
        List<Request<?>> all = new ArrayList<>(merged(passes));
        all.addAll(perSample(passes));
        return all;
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, TRACKED, KEEP, mean",
        "FLOAT64, RANGES, KEEP, mean",
        "FLOAT64, RANGES, DROP, mean",
        "FLOAT64, NONE, HAND_OVER, sum",
        "FLOAT32, RANGES, KEEP, sum",
        "FLOAT32, NONE, DROP, mean"
    })
    void random_trees_of_merges_are_one_pass(Setting setting, SampleIds ids, PerSample perSample, String reduction)
            throws IOException {
        System.out.printf("Trees of merges of -Dbackpack.test.seed=%d: %s, %s, %s%n", SEED, setting, ids, perSample);
        try (Passes passes = new Passes(setting)) {
            for (int tree = 0; tree < TREES; tree++) {
                Random random = new Random(SEED * 1_000_003 + tree);
                Problem problem = Networks.residual("CrossEntropyLoss", reduction, 9 + random.nextInt(8));
                List<Request<?>> requests = perSample == PerSample.DROP ? merged(passes) : all(passes);
                Map<String, double[]> expected =
                        passes.run(problem, requests, PassOptions.DEFAULT, DRAWS, ids(problem));
                SessionOptions options =
                        SessionOptions.DEFAULT.seed(DRAWS).ids(ids).perSample(perSample);
                options = perSample == PerSample.DROP ? options : options.keepOutputs();
                String what = "tree %d of seed %d, %d samples".formatted(tree, SEED, problem.samples());
                try (Sessions sessions = new Sessions(passes, problem, requests, options)) {
                    Rows rows = new Rows(problem.samples());
                    try (Session root = merged(sessions, random, problem, perSample, rows)) {
                        Map<String, double[]> actual = Sessions.results(root);
                        if (perSample == PerSample.HAND_OVER) {
                            actual.putAll(rows.ordered());
                        }
                        if (perSample == PerSample.DROP) {
                            expected = new TreeMap<>(expected);
                            expected.keySet().removeAll(List.of("loss_batch", "output"));
                        }
                        setting.assertClose(what, actual, expected);
                        assertThat(root.samples()).isEqualTo(problem.samples());
                        if (ids != SampleIds.NONE) {
                            assertThat(root.sampleIds()).containsExactly(ids(problem));
                        }
                        assertThat(root.state().bytes()).as(what).isEqualTo(expectedBytes(root, problem, ids));
                    }
                }
                assertThat(passes.backpack().backend().memory().openTensors()).isZero();
            }
        }
    }

    /** Ranges of a session that keeps results per sample are as many as there are runs in the order of adding. */
    private static long expectedBytes(Session session, Problem problem, SampleIds ids) {
        long bytes = session.stateBytes(problem.samples());
        if (ids != SampleIds.RANGES) {
            return bytes;
        }
        long ranges = session.state().tensors().get("sample_ranges").shape().size(0);
        return bytes + 16 * (ranges - 1);
    }

    private static long[] ids(Problem problem) {
        return Arrays.stream(Sessions.all(problem)).asLongStream().toArray();
    }

    /** Shuffles samples, divides them among sessions of some batches each, and merges two at a time. */
    private static Session merged(Sessions sessions, Random random, Problem problem, PerSample perSample, Rows rows) {
        List<Integer> shuffled = IntStream.range(0, problem.samples()).boxed().collect(Collectors.toList());
        Collections.shuffle(shuffled, random);
        int[] samples = shuffled.stream().mapToInt(i -> i).toArray();
        Deque<Session> leaves = new ArrayDeque<>();
        for (int[] part : Sessions.split(random, samples)) {
            Session leaf = sessions.open();
            for (int[] batch : Sessions.split(random, part)) {
                add(sessions, leaf, perSample, rows, batch);
            }
            leaves.add(leaf);
        }
        while (leaves.size() > 1) {
            Session left = take(leaves, random);
            Session right = take(leaves, random);
            if (random.nextBoolean()) {
                left.merge(right);
            } else {
                left.merge(streamed(right.state()));
            }
            right.close();
            leaves.add(left);
        }
        return leaves.remove();
    }

    private static Session take(Deque<Session> sessions, Random random) {
        for (int turn = random.nextInt(sessions.size()); turn > 0; turn--) {
            sessions.add(sessions.remove());
        }
        return sessions.remove();
    }

    private static SessionState streamed(SessionState state) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            SessionFile.writeTo(state, bytes);
            return SessionFile.readFrom(new ByteArrayInputStream(bytes.toByteArray()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void add(Sessions sessions, Session session, PerSample perSample, Rows rows, int... samples) {
        try (Batch batch = sessions.batch(samples)) {
            if (perSample == PerSample.HAND_OVER) {
                session.add(batch, RunOperands.NONE, results -> rows.add(results, samples));
            } else {
                session.add(batch);
            }
        }
    }

    /** Results per sample, which leave sessions with their batches. */
    private static final class Rows {

        private final int samples;
        private final SortedMap<String, double[][]> columns = new TreeMap<>();

        /** Rows before the axis of samples: those of columns. */
        private final SortedMap<String, Integer> outer = new TreeMap<>();

        Rows(int samples) {
            this.samples = samples;
        }

        void add(Results results, int... ids) {
            results.tensors().forEach((name, tensor) -> {
                if (name.equals("loss")) {
                    return;
                }
                int rows = name.contains("sqrt_ggn") ? (int) tensor.shape().size(0) : 1;
                assertThat(tensor.shape().size(rows == 1 && !name.contains("sqrt_ggn") ? 0 : 1))
                        .as(name)
                        .isEqualTo(ids.length);
                outer.put(name, rows);
                double[] values = tensor.toDoubleArray();
                int each = values.length / rows / ids.length;
                double[][] all = columns.computeIfAbsent(name, absent -> new double[samples][]);
                for (int i = 0; i < ids.length; i++) {
                    double[] own = new double[rows * each];
                    for (int row = 0; row < rows; row++) {
                        System.arraycopy(values, (row * ids.length + i) * each, own, row * each, each);
                    }
                    assertThat(all[ids[i]]).as(name).isNull();
                    all[ids[i]] = own;
                }
            });
        }

        /** In the order of ids. */
        SortedMap<String, double[]> ordered() {
            SortedMap<String, double[]> arrays = new TreeMap<>();
            columns.forEach((name, rows) -> {
                int each = rows[0].length / outer.get(name);
                double[] all = new double[rows[0].length * samples];
                for (int row = 0; row < outer.get(name); row++) {
                    for (int i = 0; i < samples; i++) {
                        System.arraycopy(rows[i], row * each, all, (row * samples + i) * each, each);
                    }
                }
                arrays.put(name, all);
            });
            return arrays;
        }
    }
}
