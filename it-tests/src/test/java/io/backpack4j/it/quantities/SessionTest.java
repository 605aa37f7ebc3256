// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.SessionFile;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.testkit.Randomness;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A session over the batches of a data set is one pass over the data set. {@code -Dbackpack.test.seed=…} draws others.
 */
class SessionTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = 24;
    private static final long DRAWS = 17;

    @TempDir
    Path folder;

    /** Everything that merges. The Hessian and Kronecker factors only where no parameter is tied. */
    private static List<Request<?>> requests(Passes passes, Problem problem) {
        List<Request<?>> requests = new ArrayList<>(passes.firstOrder());
        for (String type : List.of("DiagGGNExact", "BatchDiagGGNExact", "SqrtGGNExact")) {
            requests.add(passes.request(type, Map.of()));
        }
        for (String type : List.of("DiagGGNMC", "BatchDiagGGNMC", "SqrtGGNMC")) {
            requests.add(passes.request(type, Map.of("mc_samples", 3)));
        }
        boolean tied =
                problem.model().nodes().stream().anyMatch(node -> !node.ties().isEmpty());
        if (!tied) {
            requests.add(passes.request("DiagHessian", Map.of()));
            requests.add(passes.request("BatchDiagHessian", Map.of()));
            requests.add(passes.request("KFLR", Map.of()));
            requests.add(passes.request("KFAC", Map.of("mc_samples", 3)));
            requests.add(passes.request("KFAC", Map.of("fisher", "empirical", "as", "empirical")));
        }
        return requests;
    }

    private static SessionOptions options(Random random, Problem problem) {
        SessionOptions options = SessionOptions.DEFAULT.seed(DRAWS).keepOutputs();
        return random.nextBoolean()
                ? options
                : options.pass(PassOptions.DEFAULT.chunk(1 + random.nextInt(problem.samples())));
    }

    private static SortedMap<String, double[]> onePass(Passes passes, Problem problem) {
        return passes.run(problem, requests(passes, problem), PassOptions.DEFAULT, DRAWS, ids(problem));
    }

    private static long[] ids(Problem problem) {
        return Arrays.stream(Sessions.all(problem)).asLongStream().toArray();
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT64", "FLOAT32"})
    void random_networks_split_any_way_are_one_pass(Setting setting) {
        System.out.printf("Sessions over random networks of -Dbackpack.test.seed=%d in %s%n", SEED, setting);
        Set<String> seen = new HashSet<>();
        try (Passes passes = new Passes(setting)) {
            for (int network = 0; network < NETWORKS; network++) {
                Random random = new Random(SEED * 1_000_003 + network);
                Problem problem = RandomProblem.draw(random);
                String what = "network %d of seed %d, %s".formatted(network, SEED, problem.model());
                Map<String, double[]> expected = onePass(passes, problem);
                seen.add(problem.model().loss().type());
                seen.add(String.valueOf(problem.model().loss().arguments().get("reduction")));
                seen.add("target rank " + problem.targets().shape().length);
                try (Sessions sessions =
                                new Sessions(passes, problem, requests(passes, problem), options(random, problem));
                        Session session = sessions.open()) {
                    for (int[] part : Sessions.split(random, Sessions.all(problem))) {
                        sessions.add(session, part);
                    }
                    setting.assertClose(what, Sessions.results(session), expected);
                    assertThat(session.sampleIds()).containsExactly(ids(problem));
                }
                assertThat(passes.backpack().backend().memory().openTensors()).isZero();
            }
        }
        assertThat(seen).contains("CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss", "mean", "sum", "target rank 3");
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT64, CrossEntropyLoss, mean", "FLOAT64, MSELoss, mean", "FLOAT64, BCEWithLogitsLoss, mean",
        "FLOAT64, CrossEntropyLoss, sum", "FLOAT64, MSELoss, sum", "FLOAT64, BCEWithLogitsLoss, sum",
        "FLOAT32, CrossEntropyLoss, mean", "FLOAT32_FALLBACK, MSELoss, mean"
    })
    void sessions_merge_and_are_saved_and_loaded_in_the_middle(Setting setting, String loss, String reduction) {
        Problem problem = Networks.residual(loss, reduction, 9);
        Path file = folder.resolve("session.safetensors");
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> expected = onePass(passes, problem);
            SessionOptions options = SessionOptions.DEFAULT.seed(DRAWS).keepOutputs();
            try (Sessions sessions = new Sessions(passes, problem, requests(passes, problem), options)) {
                try (Session first = sessions.open();
                        Session second = sessions.open();
                        Session loaded = sessions.open();
                        Session split = sessions.open()) {
                    sessions.add(first, 0, 1, 2, 3);
                    sessions.add(second, 4);
                    sessions.add(second, 5, 6, 7);
                    first.merge(second);
                    SessionFile.save(first, file);
                    SessionFile.load(loaded, file);
                    assertThat(loaded.batches()).isEqualTo(3);
                    Map<String, double[]> before = Sessions.results(first);
                    Sessions.results(loaded)
                            .forEach((name, values) ->
                                    assertThat(values).as(name).isEqualTo(before.get(name)));
                    sessions.add(first, 8);
                    sessions.add(loaded, 8);
                    Map<String, double[]> after = Sessions.results(first);
                    setting.assertClose("merged", after, expected);
                    Sessions.results(loaded)
                            .forEach((name, values) ->
                                    assertThat(values).as(name).isEqualTo(after.get(name)));
                    // A file is added to what is there, too.
                    SessionFile.save(second, file);
                    sessions.add(split, 0, 1, 2, 3);
                    SessionFile.load(split, file);
                    sessions.add(split, 8);
                    setting.assertClose("a file added", Sessions.results(split), expected);
                }
            }
            assertThat(passes.backpack().backend().memory().openTensors()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void results_per_sample_stand_in_the_order_of_ids_whatever_that_of_adding(Setting setting) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 7);
        try (Passes passes = new Passes(setting)) {
            Map<String, double[]> expected = onePass(passes, problem);
            SessionOptions options = SessionOptions.DEFAULT.seed(DRAWS).keepOutputs();
            try (Sessions sessions = new Sessions(passes, problem, requests(passes, problem), options);
                    Session session = sessions.open()) {
                sessions.add(session, 4, 2);
                sessions.add(session, 6, 5, 0, 3);
                sessions.add(session, 1);
                assertThat(session.sampleIds()).containsExactly(ids(problem));
                setting.assertClose("in another order", Sessions.results(session), expected);
            }
        }
    }

    @Test
    void results_may_be_asked_for_at_any_time() {
        Problem problem = Networks.residual("MSELoss", "mean", 5);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<Map<String, double[]>> expected = new ArrayList<>();
            for (int count = 1; count <= 5; count++) {
                expected.add(
                        onePass(passes, problem.pick(IntStream.range(0, count).toArray())));
            }
            SessionOptions options = SessionOptions.DEFAULT.seed(DRAWS).keepOutputs();
            try (Sessions sessions = new Sessions(passes, problem, requests(passes, problem), options);
                    Session session = sessions.open()) {
                for (int sample = 0; sample < 5; sample++) {
                    sessions.add(session, sample);
                    Setting.FLOAT64.assertClose(
                            sample + " and before", Sessions.results(session), expected.get(sample));
                }
            }
        }
    }
}
