// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values and derivatives where the input is exactly zero, and where maxima are shared. */
class KinksTest {

    /** Half as many as oneDNN is called for, and few enough for loops. */
    private static final List<Integer> SIZES = List.of(3, 256);

    /**
     * An activation at 0.
     *
     * @param type its type in model files
     * @param arguments its arguments
     * @param activation the same for a backend
     * @param value f(0)
     * @param first f'(0), which is PyTorch's and BackPACK's
     * @param second f''(0), which is BackPACK's: for ELU and SELU that of the left side, where PyTorch's automatic
     *     differentiation has 0
     */
    private record AtZero(
            String type,
            Map<String, Object> arguments,
            Activation activation,
            double value,
            double first,
            double second) {}

    private static final double SELU_LEFT = 1.7580993408473766;

    private static final List<AtZero> ACTIVATIONS = List.of(
            new AtZero("ReLU", Map.of(), Activation.of(Activation.Kind.RELU), 0, 0, 0),
            new AtZero("LeakyReLU", Map.of(), new Activation(Activation.Kind.LEAKY_RELU, 0.01), 0, 0.01, 0),
            new AtZero(
                    "LeakyReLU",
                    Map.of("negative_slope", -0.5),
                    new Activation(Activation.Kind.LEAKY_RELU, -0.5),
                    0,
                    -0.5,
                    0),
            new AtZero("ELU", Map.of(), new Activation(Activation.Kind.ELU, 1), 0, 1, 1),
            new AtZero("ELU", Map.of("alpha", 0.7), new Activation(Activation.Kind.ELU, 0.7), 0, 0.7, 0.7),
            new AtZero("ELU", Map.of("alpha", -0.5), new Activation(Activation.Kind.ELU, -0.5), 0, -0.5, -0.5),
            new AtZero("SELU", Map.of(), Activation.of(Activation.Kind.SELU), 0, SELU_LEFT, SELU_LEFT),
            new AtZero("Sigmoid", Map.of(), Activation.of(Activation.Kind.SIGMOID), 0.5, 0.25, 0),
            new AtZero("Tanh", Map.of(), Activation.of(Activation.Kind.TANH), 0, 1, 0),
            new AtZero("LogSigmoid", Map.of(), Activation.of(Activation.Kind.LOG_SIGMOID), -Math.log(2), 0.5, -0.25),
            new AtZero("GELU", Map.of(), Activation.of(Activation.Kind.GELU), 0, 0.5, 2 / Math.sqrt(2 * Math.PI)),
            new AtZero(
                    "GELU",
                    Map.of("approximate", "tanh"),
                    Activation.of(Activation.Kind.GELU_TANH),
                    0,
                    0.5,
                    2 / Math.sqrt(2 * Math.PI)),
            new AtZero("SiLU", Map.of(), Activation.of(Activation.Kind.SILU), 0, 0.5, 0.5),
            new AtZero("Mish", Map.of(), Activation.of(Activation.Kind.MISH), 0, 0.6, 0.64),
            new AtZero("Softplus", Map.of(), new Activation(Activation.Kind.SOFTPLUS, 1, 20), Math.log(2), 0.5, 0.25),
            // the left side of its threshold
            new AtZero(
                    "Softplus",
                    Map.of("beta", 2, "threshold", 0),
                    new Activation(Activation.Kind.SOFTPLUS, 2, 0),
                    Math.log(2) / 2,
                    0.5,
                    0.5),
            new AtZero("Softsign", Map.of(), Activation.of(Activation.Kind.SOFTSIGN), 0, 1, 0),
            new AtZero("Hardtanh", Map.of(), new Activation(Activation.Kind.HARDTANH, -1, 1), 0, 1, 0),
            new AtZero(
                    "Hardtanh",
                    Map.of("min_val", 0, "max_val", 1),
                    new Activation(Activation.Kind.HARDTANH, 0, 1),
                    0,
                    0,
                    0),
            new AtZero(
                    "Hardtanh",
                    Map.of("min_val", -1, "max_val", 0),
                    new Activation(Activation.Kind.HARDTANH, -1, 0),
                    0,
                    0,
                    0),
            new AtZero("ReLU6", Map.of(), new Activation(Activation.Kind.HARDTANH, 0, 6), 0, 0, 0),
            new AtZero("Hardswish", Map.of(), Activation.of(Activation.Kind.HARDSWISH), 0, 0.5, 1 / 3.0),
            new AtZero("Hardsigmoid", Map.of(), Activation.of(Activation.Kind.HARDSIGMOID), 0.5, 1 / 6.0, 0));

    @ParameterizedTest
    @EnumSource
    void backends_agree_at_zero_of_either_sign(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (AtZero expected : ACTIVATIONS) {
                for (int size : SIZES) {
                    for (double zero : new double[] {0.0, -0.0}) {
                        checkBackend(passes, expected, 2 * size, zero);
                    }
                }
            }
        }
    }

    private static void checkBackend(Passes passes, AtZero expected, int size, double zero) {
        Backend backend = passes.backpack().backend();
        Activation activation = expected.activation();
        try (TensorScope scope = backend.openScope()) {
            double[] zeros = new double[size];
            Arrays.fill(zeros, zero);
            double[] threes = new double[size];
            Arrays.fill(threes, 3);
            Tensor x = backend.upload(scope, Shape.of(size), passes.setting().dtype(), zeros);
            Tensor cotangents =
                    backend.upload(scope, Shape.of(size), passes.setting().dtype(), threes);
            Tensor y = scope.allocate(x.shape(), x.dtype());
            backend.elementwise().activation(activation, 0, x, y);
            String what = "%s, %d elements, %s".formatted(activation, size, passes.setting());
            checkAll(what + ": value", y, expected.value());
            Tensor result = scope.allocate(x.shape(), x.dtype());
            backend.elementwise().activation(activation, 1, x, result);
            checkAll(what + ": first derivative", result, expected.first());
            backend.elementwise().activation(activation, 2, x, result);
            checkAll(what + ": second derivative", result, expected.second());
            Tensor saved = activation.derivativeFromOutput() ? y : x;
            backend.elementwise().activationPullback(activation, saved, cotangents, result);
            checkAll(what + ": pullback", result, 3 * expected.first());
            backend.elementwise().activationCurvature(activation, saved, cotangents, result);
            checkAll(what + ": curvature", result, 3 * expected.second());
        }
    }

    /** PyTorch's derivatives at the bounds: those outside, and no second derivative. */
    @ParameterizedTest
    @EnumSource
    void bounds_have_the_slope_of_what_is_outside(Setting setting) {
        try (Passes passes = new Passes(setting);
                TensorScope scope = passes.backpack().backend().openScope()) {
            Backend backend = passes.backpack().backend();
            for (int size : SIZES) {
                for (double bound : new double[] {-3, 3}) {
                    double[] bounds = new double[2 * size];
                    Arrays.fill(bounds, bound);
                    Tensor x = backend.upload(
                            scope, Shape.of(bounds.length), passes.setting().dtype(), bounds);
                    Tensor result = scope.allocate(x.shape(), x.dtype());
                    for (Activation.Kind kind :
                            List.of(Activation.Kind.HARDSWISH, Activation.Kind.HARDSIGMOID, Activation.Kind.HARDTANH)) {
                        Activation activation = new Activation(kind, -3, 3);
                        boolean steep = kind == Activation.Kind.HARDSWISH && bound == 3;
                        backend.elementwise().activation(activation, 1, x, result);
                        checkAll(kind + "' at " + bound, result, steep ? 1 : 0);
                        backend.elementwise().activationPullback(activation, x, x, result);
                        checkAll("pullback of " + kind + " at " + bound, result, steep ? 3 : 0);
                        backend.elementwise().activation(activation, 2, x, result);
                        checkAll(kind + "'' at " + bound, result, 0);
                    }
                }
            }
        }
    }

    private static void checkAll(String what, Tensor actual, double expected) {
        double[] all = new double[Math.toIntExact(actual.shape().elements())];
        Arrays.fill(all, expected);
        assertThat(actual.toDoubleArray()).as(what).containsExactly(all, within(1e-6));
    }

    /** ℓ = Σ(f(b) − t)² at b = 0, over two samples: ℓ' = 4 (f − t) f', ℓ'' = 4 f'² + 4 (f − t) f''. */
    @ParameterizedTest
    @EnumSource
    void quantities_follow_at_zero(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (AtZero expected : ACTIVATIONS) {
                for (int size : SIZES) {
                    double[] targets = new double[2 * size];
                    Arrays.fill(targets, 0.25);
                    Problem problem = new Problem(
                            model(
                                    node("h", "Linear", Map.of("in_features", 1, "out_features", size)),
                                    node("f", expected.type(), expected.arguments())),
                            Map.of("input", new Numbers(new int[] {2, 1}, new double[] {1.5, -2})),
                            new Numbers(new int[] {2, size}, targets),
                            Map.of(
                                    "h.weight", new Numbers(new int[] {size, 1}, new double[size]),
                                    "h.bias", new Numbers(new int[] {size}, new double[size])));
                    SortedMap<String, double[]> results = run(passes, problem, "DiagGGNExact", "DiagHessian");
                    double difference = expected.value() - 0.25;
                    double ggn = 4 * expected.first() * expected.first();
                    assertAll(expected, results, "h.bias/grad", 4 * difference * expected.first());
                    assertAll(expected, results, "h.bias/diag_ggn_exact", ggn);
                    assertAll(expected, results, "h.bias/diag_h", ggn + 4 * difference * expected.second());
                }
            }
        }
    }

    private static void assertAll(AtZero what, SortedMap<String, double[]> results, String name, double expected) {
        double[] actual = results.get(name);
        double[] all = new double[actual.length];
        Arrays.fill(all, expected);
        assertThat(actual).as("%s of %s", name, what).containsExactly(all, within(2e-6));
    }

    /**
     * With one node or as three: where everything is 0, padding included, nothing comes back; of equal maxima the first
     * in the window takes all.
     */
    @ParameterizedTest
    @EnumSource
    void shared_maxima_of_rectified_numbers_go_to_the_first(Setting setting) {
        int edge = 4;
        int samples = 40;
        double[] input = new double[samples * edge * edge];
        for (int i = 0; i < input.length; i++) {
            input[i] = (i * 7 % 32) / 8.0 - 1;
        }
        double firsts = 0;
        for (int n = 0; n < samples; n++) {
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 3; j++) {
                    int row = Math.max(0, 2 * i - 1);
                    int column = Math.max(0, 2 * j - 1);
                    firsts += 2 * input[(n * edge + row) * edge + column];
                }
            }
        }
        NodeDescription conv = node("c", "Conv2d", Map.of("in_channels", 1, "out_channels", 1, "kernel_size", 1));
        NodeDescription relu = node("r", "ReLU", Map.of());
        NodeDescription between = node("i", "Identity", Map.of());
        NodeDescription pad = node("p", "ZeroPad2d", Map.of("padding", 1));
        NodeDescription pool = node("m", "MaxPool2d", Map.of("kernel_size", 2));
        NodeDescription padding = node("m", "MaxPool2d", Map.of("kernel_size", 2, "padding", 1));
        NodeDescription adaptive = node("m", "AdaptiveMaxPool2d", Map.of("output_size", 3));
        try (Passes passes = new Passes(setting)) {
            for (NodeDescription[] nodes : List.of(
                    new NodeDescription[] {conv, relu, pad, pool},
                    new NodeDescription[] {conv, relu, between, pad, pool},
                    new NodeDescription[] {conv, relu, padding},
                    new NodeDescription[] {conv, pad, adaptive},
                    new NodeDescription[] {conv, padding})) {
                boolean rectified = nodes[1].equals(relu);
                for (double bias : new double[] {0, 1}) {
                    Problem problem = new Problem(
                            model(nodes),
                            Map.of("input", new Numbers(new int[] {samples, 1, edge, edge}, input)),
                            new Numbers(new int[] {samples, 1, 3, 3}, new double[samples * 9]),
                            Map.of(
                                    "c.weight", new Numbers(new int[] {1, 1, 1, 1}, new double[1]),
                                    "c.bias", new Numbers(new int[] {1}, new double[] {bias})));
                    SortedMap<String, double[]> results = run(passes, problem, "DiagHessian");
                    String what = Arrays.toString(nodes) + " with " + bias;
                    assertThat(results.get("c.bias/grad")).as(what).containsExactly(2 * 9 * samples * bias);
                    assertThat(results.get("c.weight/grad")[0]).as(what).isCloseTo(firsts * bias, within(1e-3));
                    double curvature = bias == 0 && rectified ? 0 : 2 * 9 * samples;
                    if (bias == 1 || rectified) {
                        assertThat(results.get("c.bias/diag_h")[0]).as(what).isCloseTo(curvature, within(1e-3));
                    }
                }
            }
        }
    }

    private static SortedMap<String, double[]> run(Passes passes, Problem problem, String... extensions) {
        List<Request<?>> requests = Stream.of(extensions)
                .<Request<?>>map(type -> passes.request(type, Map.of()))
                .toList();
        return passes.run(problem, requests, PassOptions.DEFAULT);
    }

    private static NodeDescription node(String name, String type, Map<String, Object> arguments) {
        return new NodeDescription(name, type, new TreeMap<>(arguments), List.of());
    }

    private static ModelDescription model(NodeDescription... nodes) {
        return new ModelDescription(
                List.of(nodes),
                List.of(),
                Optional.empty(),
                new LossDescription("MSELoss", Map.of("reduction", "sum")));
    }
}
