// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.it.oracle.Curvature;
import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random networks against the oracle. {@code -Dbackpack.test.seed=…} draws others, {@code -Dbackpack.it.networks=…}
 * more.
 */
class RandomNetworksTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = Integer.getInteger("backpack.it.networks", 60);

    /** Closer to a kink, single precision may be on the other side. */
    private static final double LEAST_MARGIN = 1e-4;

    private static final int STEPS = 16;

    private static Random random(int network) {
        return new Random(SEED * 1_000_003 + network);
    }

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
    void first_order_quantities_are_those_of_the_oracle(Setting setting) {
        System.out.printf("Random networks of -Dbackpack.test.seed=%d in %s%n", SEED, setting);
        try (Passes passes = new Passes(setting)) {
            for (int network = 0; network < NETWORKS; network++) {
                check(setting, passes, network);
            }
        }
    }

    /** Compares the first-order quantities of one network with the oracle, with the whole batch and with chunks. */
    static void check(Setting setting, Passes passes, int network) {
        Random random = random(network);
        Problem problem = problem(random);
        Map<String, double[]> expected = new FirstOrder(problem).results();
        List<Integer> picked = new ArrayList<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            picked.add(random.nextInt(problem.samples()));
        }
        pick(expected, picked, problem.samples());
        List<Request<?>> requests = new ArrayList<>(passes.firstOrder());
        requests.add(passes.request("BatchGrad", Map.of("subsampling", picked, "as", "picked")));
        long chunk = 1L + random.nextInt(problem.samples());
        for (PassOptions options : List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(chunk))) {
            String what = "network %d of seed %d, chunks %s, picked %s, %s"
                    .formatted(network, SEED, options.chunkSamples(), picked, problem.model());
            setting.assertClose(what, passes.run(problem, requests, options), expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void kronecker_factors_are_those_of_the_oracle(Setting setting) {
        int compared = 0;
        try (Passes passes = new Passes(setting)) {
            Request<?> kflr = passes.request("KFLR", Map.of());
            for (int network = 0; network < NETWORKS; network += 4) {
                Problem problem = problem(random(network));
                boolean tied = problem.model().nodes().stream()
                        .anyMatch(node -> !node.ties().isEmpty());
                if (tied) {
                    continue;
                }
                Map<String, double[]> oracle = new Curvature(problem).kflr();
                Map<String, double[]> results = passes.run(problem, List.of(kflr), PassOptions.DEFAULT);
                for (String name : results.keySet()) {
                    if (name.contains("/kflr/")) {
                        String what = "%s in network %d of seed %d, %s".formatted(name, network, SEED, problem.model());
                        setting.assertClose(what, results.get(name), oracle.get(name.replace("/kflr/", "/")));
                        compared++;
                    }
                }
            }
        }
        assertThat(compared).isPositive();
    }

    /** Adds the gradients of some samples. */
    private static void pick(Map<String, double[]> results, List<Integer> samples, int all) {
        for (String name : Set.copyOf(results.keySet())) {
            if (name.endsWith("/grad_batch")) {
                double[] gradients = results.get(name);
                int size = gradients.length / all;
                double[] picked = new double[samples.size() * size];
                for (int i = 0; i < picked.length; i++) {
                    picked[i] = gradients[samples.get(i / size) * size + i % size];
                }
                results.put(name.replace("grad_batch", "picked"), picked);
            }
        }
    }

    @Test
    void the_oracle_has_the_gradient_of_finite_differences() {
        for (int network = 0; network < NETWORKS; network += STEPS) {
            Problem problem = problem(random(network));
            Map<String, double[]> results = new FirstOrder(problem).results();
            for (String parameter : problem.trained()) {
                double[] gradient = results.get(parameter + "/grad");
                double[] expected = new double[gradient.length];
                double[] at = problem.parameters().get(parameter).values();
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = difference(problem, parameter, at, i);
                }
                double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
                assertThat(gradient).as(parameter).containsExactly(expected, within(1e-6 * (1 + largest)));
            }
        }
    }

    private static double difference(Problem problem, String parameter, double[] at, int element) {
        double step = 1e-6;
        double[] above = at.clone();
        above[element] += step;
        double[] below = at.clone();
        below[element] -= step;
        return (loss(problem.with(parameter, above)) - loss(problem.with(parameter, below))) / (2 * step);
    }

    private static double loss(Problem problem) {
        return new FirstOrder(problem).results().get("loss")[0];
    }

    @Test
    void the_networks_have_everything_behind_a_parameter() {
        Set<String> seen = new TreeSet<>();
        Set<Boolean> severalInputs = new HashSet<>();
        for (int network = 0; network < NETWORKS; network++) {
            Problem problem = problem(random(network));
            Set<String> reached = new HashSet<>();
            String before = "input";
            for (NodeDescription node : problem.model().nodes()) {
                List<String> inputs = node.inputs().isEmpty() ? List.of(before) : node.inputs();
                before = node.name();
                if (inputs.stream().anyMatch(reached::contains)) {
                    seen.add(node.type());
                    reached.add(node.name());
                }
                if (problem.trained().contains(node.name() + ".weight")) {
                    reached.add(node.name());
                }
                seen.add(node.ties().isEmpty() ? "own" : "tied");
                seen.add(node.frozen().contains("weight") ? "frozen" : "trained");
                seen.add(
                        node.inputs().stream().distinct().count()
                                        < node.inputs().size()
                                ? "twice"
                                : "once");
            }
            seen.add(problem.model().loss().type());
            seen.add(String.valueOf(problem.model().loss().arguments().get("reduction")));
            seen.add("N=" + problem.samples());
            seen.add("target rank " + problem.targets().shape().length);
            severalInputs.add(problem.inputs().size() > 1);
        }
        assertThat(seen)
                .contains("Linear", "ReLU", "LeakyReLU", "ELU", "SELU", "Sigmoid", "Tanh", "LogSigmoid", "Identity")
                .contains("PReLU", "Softmax", "SiLU", "Softsign", "ReLU6")
                .contains("Flatten", "Dropout", "Scale", "Sum", "Mul", "Concat", "Permute", "Slice")
                .contains("CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss", "mean", "sum")
                .contains("own", "tied", "trained", "frozen", "once", "twice", "N=1", "N=7")
                .contains("target rank 1", "target rank 2", "target rank 3");
        assertThat(severalInputs).hasSize(2);
    }
}
