// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.KroneckerSides;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** KFAC's factors of drawn targets against an oracle that makes the same draws. */
class DrawnFactorsTest {

    private static final int N = 3;
    private static final int STEPS = 3;
    private static final int WIDTH = 2;

    private static Problem problem(
            Random random,
            String loss,
            int[] output,
            Map<String, int[]> shapes,
            int[] input,
            NodeDescription... nodes) {
        ModelDescription model = new ModelDescription(
                List.of(nodes), List.of("input"), Optional.empty(), new LossDescription(loss, Map.of()));
        Map<String, Numbers> parameters = new LinkedHashMap<>();
        shapes.forEach((name, shape) -> parameters.put(name, Networks.normal(random, shape)));
        boolean isClassified = loss.equals("CrossEntropyLoss");
        int[] targets = isClassified ? output.clone() : new int[output.length + 1];
        targets[0] = N;
        if (!isClassified) {
            System.arraycopy(output, 0, targets, 1, output.length);
        }
        double[] values = random.doubles(LongStream.of(count(targets)).sum())
                .map(value -> isClassified ? Math.floor(value * output[0]) : value)
                .toArray();
        int[] inputs = new int[input.length + 1];
        inputs[0] = N;
        System.arraycopy(input, 0, inputs, 1, input.length);
        return new Problem(
                model, Map.of("input", Networks.normal(random, inputs)), new Numbers(targets, values), parameters);
    }

    private static long count(int... shape) {
        long count = 1;
        for (int size : shape) {
            count *= size;
        }
        return count;
    }

    private static Map<String, int[]> shapes(Object... pairs) {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            shapes.put((String) pairs[i], (int[]) pairs[i + 1]);
        }
        return shapes;
    }

    private static int[] of(int... sizes) {
        return sizes;
    }

    private static NodeDescription last() {
        return Networks.node("last", "Slice", Map.of("slices", Arrays.asList(Arrays.asList(null, null, null), -1)));
    }

    private static Problem recurrent(String type, String loss) {
        int gates = type.equals("LSTM") ? 4 : type.equals("GRU") ? 3 : 1;
        return problem(
                new Random(11),
                loss,
                of(3),
                shapes(
                        "rnn.weight_ih_l0", of(gates * WIDTH, 2),
                        "rnn.weight_hh_l0", of(gates * WIDTH, WIDTH),
                        "rnn.bias_ih_l0", of(gates * WIDTH),
                        "rnn.bias_hh_l0", of(gates * WIDTH),
                        "out.weight", of(3, WIDTH),
                        "out.bias", of(3)),
                of(STEPS, 2),
                Networks.node("rnn", type, Map.of("input_size", 2, "hidden_size", WIDTH, "batch_first", true)),
                last(),
                Networks.linear("out", WIDTH, 3));
    }

    private static Problem transformer() {
        Map<String, Object> layer = Map.of(
                "d_model",
                4,
                "nhead",
                2,
                "dim_feedforward",
                3,
                "dropout",
                0.0,
                "batch_first",
                true,
                "activation",
                "gelu");
        return problem(
                new Random(12),
                "CrossEntropyLoss",
                of(3),
                shapes(
                        "layer.self_attn.in_proj_weight", of(12, 4),
                        "layer.self_attn.in_proj_bias", of(12),
                        "layer.self_attn.out_proj.weight", of(4, 4),
                        "layer.self_attn.out_proj.bias", of(4),
                        "layer.linear1.weight", of(3, 4),
                        "layer.linear1.bias", of(3),
                        "layer.linear2.weight", of(4, 3),
                        "layer.linear2.bias", of(4),
                        "layer.norm1.weight", of(4),
                        "layer.norm1.bias", of(4),
                        "layer.norm2.weight", of(4),
                        "layer.norm2.bias", of(4),
                        "out.weight", of(3, 4),
                        "out.bias", of(3)),
                of(STEPS, 4),
                Networks.node("layer", "TransformerEncoderLayer", layer),
                Networks.node("mean", "Mean", Map.of("dim", 1)),
                Networks.linear("out", 4, 3));
    }

    /** A weight at positions, and once more behind them without. */
    private static Problem tied() {
        NodeDescription again = Networks.linear("2", 4, 4);
        return problem(
                new Random(13),
                "BCEWithLogitsLoss",
                of(2),
                shapes("0.weight", of(4, 4), "0.bias", of(4), "2.bias", of(4), "4.weight", of(2, 8), "4.bias", of(2)),
                of(2, 4),
                Networks.linear("0", 4, 4),
                Networks.node("1", "Tanh", Map.of()),
                new NodeDescription(
                        again.name(),
                        again.type(),
                        again.arguments(),
                        List.of(),
                        Frozen.NONE,
                        Map.of("weight", "0.weight")),
                Networks.node("3", "Flatten", Map.of()),
                Networks.linear("4", 8, 2));
    }

    static Stream<Arguments> networks() {
        return Stream.of(
                Arguments.of(
                        "convolution",
                        Written.problem(
                                "2,5,4 | Conv2d 3 k=3,2 p=1,1 | Tanh | Conv2d 2 k=2 d=2 | Flatten | Linear 2"
                                        + " | MSELoss mean",
                                N)),
                Arguments.of(
                        "classes at positions",
                        Written.problem("2,3,3 | Conv2d 2 k=2 | ELU | Conv2d 3 k=2 p=1 | CrossEntropyLoss mean", N)),
                Arguments.of("rnn", recurrent("RNN", "MSELoss")),
                Arguments.of("lstm", recurrent("LSTM", "CrossEntropyLoss")),
                Arguments.of("gru", recurrent("GRU", "BCEWithLogitsLoss")),
                Arguments.of("transformer", transformer()),
                Arguments.of("tied", tied()));
    }

    /** One of a kind: passes with many draws take their time. */
    static Stream<Arguments> convergent() {
        return networks()
                .filter(network -> !Set.of("classes at positions", "rnn", "gru").contains(network.get()[0]));
    }

    private static Map<String, double[]> run(
            Passes passes, Problem problem, Request<?> request, PassOptions options, long seed) {
        Map<String, double[]> selected = new TreeMap<>();
        long[] ids = LongStream.range(0, problem.samples()).toArray();
        passes.run(problem, List.of(request), options, seed, ids).forEach((name, values) -> {
            if (name.contains("/" + request.name() + "/")) {
                selected.put(name.replace("/" + request.name() + "/", "/"), values);
            }
        });
        return selected;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void are_those_of_the_same_draws(String name, Problem problem) {
        KroneckerSides sides = new KroneckerSides(problem);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (int draws : new int[] {1, 3}) {
                Request<?> request = passes.request("KFAC", Map.of("mc_samples", draws));
                Map<String, double[]> expected = sides.drawn(draws + 40, draws);
                for (PassOptions options : List.of(
                        PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(2).block(2))) {
                    Setting.FLOAT64.assertClose(name, run(passes, problem, request, options, draws + 40), expected);
                }
            }
            Request<?> exact = passes.request("KFLR", Map.of());
            Setting.FLOAT64.assertClose(name, run(passes, problem, exact, PassOptions.DEFAULT, 0), sides.exact());
        }
    }

    /** Over many seeds, the distance from the exact output sides falls with the root of the number of draws. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("convergent")
    void tend_to_the_exact_ones(String name, Problem problem) {
        Map<String, double[]> exact = new KroneckerSides(problem).exact();
        int[] counts = {1, 64};
        double[] errors = new double[counts.length];
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (int i = 0; i < counts.length; i++) {
                Request<?> request = passes.request("KFAC", Map.of("mc_samples", counts[i]));
                for (int seed = 0; seed < 12; seed++) {
                    Map<String, double[]> drawn = run(passes, problem, request, PassOptions.DEFAULT, 100 * i + seed);
                    for (Map.Entry<String, double[]> side : exact.entrySet()) {
                        if (side.getKey().endsWith("/0")) {
                            errors[i] += relativeSquare(drawn.get(side.getKey()), side.getValue());
                        }
                    }
                }
            }
        }
        double slope = Math.log(errors[1] / errors[0]) / 2 / Math.log(64);
        assertThat(slope).as("slope of the logarithm of the error of %s", name).isBetween(-0.6, -0.4);
    }

    private static double relativeSquare(double[] actual, double[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        return norm == 0 ? difference : difference / norm;
    }
}
