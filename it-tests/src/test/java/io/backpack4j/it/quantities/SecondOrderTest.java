// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Curvature of random networks against the oracle. {@code -Dbackpack.test.seed=…} draws others, {@code
 * -Dbackpack.it.networks=…} more.
 */
class SecondOrderTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = Integer.getInteger("backpack.it.networks", 60);

    /** Closer to a kink, single precision may be on the other side. */
    private static final double LEAST_MARGIN = 1e-4;

    private static Problem problem(Random random) {
        while (true) {
            Problem problem = RandomProblem.draw(random);
            if (new FirstOrder(problem).margin() > LEAST_MARGIN) {
                return problem;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void diagonals_and_roots_are_those_of_the_oracle(Setting setting) {
        System.out.printf("Random networks of -Dbackpack.test.seed=%d in %s%n", SEED, setting);
        try (Passes passes = new Passes(setting)) {
            for (int network = 0; network < NETWORKS; network++) {
                Random random = new Random(SEED * 7_000_003 + network);
                Problem problem = problem(random);
                Map<String, double[]> expected = new TreeMap<>(new SecondOrder(problem, false).results());
                List<Integer> picked = new ArrayList<>();
                for (int i = random.nextInt(4); i >= 0; i--) {
                    picked.add(random.nextInt(problem.samples()));
                }
                List<Request<?>> requests = new ArrayList<>();
                for (String type : List.of("DiagGGNExact", "BatchDiagGGNExact", "SqrtGGNExact")) {
                    requests.add(passes.request(type, Map.of()));
                }
                requests.add(passes.request("SqrtGGNExact", Map.of("subsampling", picked, "as", "picked")));
                for (String parameter : problem.trained()) {
                    int size = problem.parameters().get(parameter).values().length;
                    double[] all = expected.get(parameter + "/sqrt_ggn_exact");
                    expected.put(parameter + "/picked", picked(all, picked, problem.samples(), size));
                }
                long chunk = 1L + random.nextInt(problem.samples());
                long block = 1L + random.nextInt(4);
                for (PassOptions options : List.of(
                        PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(chunk).block(block))) {
                    String what = "network %d of seed %d, %s, picked %s, %s"
                            .formatted(network, SEED, options, picked, problem.model());
                    Map<String, double[]> actual = passes.run(problem, requests, options);
                    actual.keySet().retainAll(expected.keySet());
                    setting.assertClose(what, actual, expected);
                }
            }
        }
    }

    /** The columns of some samples of {@code [V, N, *p]}. */
    private static double[] picked(double[] columns, List<Integer> samples, int all, int size) {
        int count = columns.length / (all * size);
        double[] picked = new double[count * samples.size() * size];
        for (int v = 0; v < count; v++) {
            for (int i = 0; i < samples.size(); i++) {
                System.arraycopy(
                        columns, (v * all + samples.get(i)) * size, picked, (v * samples.size() + i) * size, size);
            }
        }
        return picked;
    }
}
