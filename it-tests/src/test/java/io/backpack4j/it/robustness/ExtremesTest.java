// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One sample, one class, one feature, huge and tiny numbers, in both types and with both kernels, against the oracle in
 * float64; and axes without elements.
 */
class ExtremesTest {

    private static final List<BackPack> BACKPACKS = List.of(open("onednn"), open("nd4j"));

    /** How many roundings of the largest term may add up. */
    private static final double ROUNDINGS = 64;

    private static final List<String> EXTENSIONS = List.of(
            "BatchGrad",
            "BatchL2Grad",
            "SumGradSquared",
            "Variance",
            "DiagGGNExact",
            "BatchDiagGGNExact",
            "SqrtGGNExact",
            "DiagHessian",
            "BatchDiagHessian",
            "DiagGGNMC",
            "KFAC",
            "KFLR",
            "KFRA");

    private static BackPack open(String kernels) {
        return BackPack.builder()
                .backend("cpu")
                .threads(1)
                .properties(Map.of("backpack.cpu.kernels", kernels))
                .build();
    }

    @AfterAll
    static void close() {
        for (BackPack backpack : BACKPACKS) {
            assertThat(backpack.backend().memory().openTensors()).isZero();
            backpack.close();
        }
    }

    /**
     * Scales of inputs and weights; the float32 ones keep squares of gradients inside the range, or the pass must say
     * that they are not.
     */
    @ParameterizedTest
    @CsvSource({
        "CrossEntropyLoss, 1, 1, 1, 1",
        "CrossEntropyLoss, 1, 4, 3, 1",
        "CrossEntropyLoss, 5, 1, 3, 1",
        "CrossEntropyLoss, 5, 4, 1, 1",
        "MSELoss, 1, 1, 1, 1",
        "MSELoss, 1, 4, 3, 1",
        "MSELoss, 5, 1, 3, 1",
        "MSELoss, 5, 4, 1, 1",
        "BCEWithLogitsLoss, 1, 1, 1, 1",
        "BCEWithLogitsLoss, 5, 4, 1, 1",
        "BCEWithLogitsLoss, 1, 4, 3, 1",
        "CrossEntropyLoss, 5, 4, 3, 30",
        "CrossEntropyLoss, 5, 4, 3, 1e3",
        "CrossEntropyLoss, 5, 4, 3, 1e8",
        "CrossEntropyLoss, 5, 4, 3, 1e-4",
        "CrossEntropyLoss, 5, 4, 3, 1e-12",
        "CrossEntropyLoss, 5, 4, 3, 1e-30",
        "BCEWithLogitsLoss, 5, 4, 3, 1e3",
        "BCEWithLogitsLoss, 5, 4, 3, 1e-30",
        "BCEWithLogitsLoss, 5, 4, 3, 1e8",
        "MSELoss, 5, 4, 3, 1e4",
        "MSELoss, 5, 4, 3, 1e-15",
        "MSELoss, 5, 4, 3, 1e-40",
        "CrossEntropyLoss, 5, 4, 3, 1e-40"
    })
    void extremes_are_right(String loss, int samples, int features, int classes, double scale) {
        Problem problem = problem(loss, samples, features, classes, scale);
        Map<String, double[]> expected = new TreeMap<>(new FirstOrder(problem).results());
        expected.putAll(new SecondOrder(problem, true).results());
        for (BackPack backpack : BACKPACKS) {
            for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
                Map<String, double[]> actual = run(backpack, problem, dtype);
                int compared = 0;
                for (Map.Entry<String, double[]> result : expected.entrySet()) {
                    double[] found = actual.get(result.getKey());
                    // The oracle's own exponentials overflow beyond logits of 700.
                    if (found != null && Arrays.stream(result.getValue()).allMatch(Double::isFinite)) {
                        compared++;
                        assertClose(result.getKey(), found, result.getValue(), dtype, loss.equals("MSELoss"), scale);
                    }
                }
                assertThat(compared).as("compared quantities").isGreaterThan(15);
            }
        }
    }

    /**
     * Close beside the result's largest number, or beside what it is a sum of: a saturated softmax, or a derivative at
     * zero, is a small difference of large terms, and right to the rounding of those. Inputs, targets and activations
     * are at most 1, and so are the weights of layer 0.
     */
    private static void assertClose(
            String name, double[] actual, double[] expected, DType dtype, boolean squaredError, double scale) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        double jacobian = name.startsWith("0.") ? scale : 1;
        double gradient = (squaredError ? 1 + 4 * scale : 1) * jacobian;
        boolean linear = name.contains("/grad") || name.contains("/sqrt") || !name.contains("/");
        double terms = linear
                ? (name.contains("/") ? gradient : Math.pow(1 + 4 * scale, 2))
                : name.contains("diag_h") ? jacobian * jacobian + gradient : gradient * gradient + jacobian * jacobian;
        // Float32 keeps few digits of numbers below 1.2e-38, or none.
        double tolerance = dtype == DType.FLOAT64
                ? 1e-300 + 1e-7 * largest + ROUNDINGS * 0x1p-53 * terms
                : 1e-37 + 2e-4 * largest + ROUNDINGS * 0x1p-24 * terms;
        assertThat(actual).as("%s in %s", name, dtype).containsExactly(expected, within(tolerance));
    }

    private static Problem problem(String loss, int samples, int features, int classes, double scale) {
        Random random = new Random(samples * 100L + features * 10L + classes);
        int hidden = features == 1 ? 1 : 3;
        ModelDescription model = new ModelDescription(
                List.of(linear("0", features, hidden), node("1", "Sigmoid", Map.of()), linear("2", hidden, classes)),
                List.of(),
                Optional.empty(),
                new LossDescription(loss, Map.of("reduction", "mean")));
        Map<String, Numbers> parameters = new LinkedHashMap<>();
        parameters.put("0.weight", normal(random, Math.min(1, scale), hidden, features));
        parameters.put("0.bias", normal(random, Math.min(1, scale), hidden));
        parameters.put("2.weight", normal(random, scale, classes, hidden));
        parameters.put("2.bias", normal(random, scale, classes));
        Numbers targets = loss.equals("CrossEntropyLoss")
                ? new Numbers(
                        new int[] {samples},
                        random.ints(samples, 0, classes).asDoubleStream().toArray())
                : new Numbers(
                        new int[] {samples, classes},
                        random.doubles((long) samples * classes).toArray());
        return new Problem(model, Map.of("input", normal(random, 1, samples, features)), targets, parameters);
    }

    private static NodeDescription linear(String name, int in, int out) {
        return node(name, "Linear", Map.of("in_features", in, "out_features", out));
    }

    private static NodeDescription node(String name, String type, Map<String, Object> arguments) {
        return new NodeDescription(name, type, arguments, List.of());
    }

    private static Numbers normal(Random random, double scale, int... shape) {
        int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Numbers(
                shape,
                random.doubles(count).map(value -> scale * (2 * value - 1)).toArray());
    }

    private static Map<String, double[]> run(BackPack backpack, Problem problem, DType dtype) {
        Map<String, double[]> arrays = new TreeMap<>();
        List<Request<?>> requests = new ArrayList<>();
        for (String type : EXTENSIONS) {
            requests.add(backpack.catalog().request(type, Map.of()));
        }
        Numbers input = problem.inputs().get("input");
        Shape shape = Shape.of(Arrays.stream(input.shape()).asLongStream().toArray());
        Shape targetShape =
                Shape.of(Arrays.stream(problem.targets().shape()).asLongStream().toArray());
        boolean classes = problem.model().loss().type().equals("CrossEntropyLoss");
        var builder = backpack.batch(dtype).input("input", shape, input.values());
        builder = classes
                ? builder.targets(
                        targetShape,
                        Arrays.stream(problem.targets().values())
                                .mapToLong(Math::round)
                                .toArray())
                : builder.targets(targetShape, problem.targets().values());
        try (Model model = backpack.model(problem.model(), dtype, shape.dropFirst(1));
                Batch batch = builder.build()) {
            problem.parameters().forEach((name, numbers) -> model.parameters().set(name, numbers.values()));
            PassOptions options = PassOptions.DEFAULT.nan(NanPolicy.FAIL_EVERYWHERE);
            try (Results results =
                    backpack.plan(model, batch, requests, options).run(batch)) {
                results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
            }
        }
        return arrays;
    }

    @Test
    void axes_without_elements_are_refused_or_work() {
        for (BackPack backpack : BACKPACKS) {
            assertThatThrownBy(() -> backpack.batch(DType.FLOAT32)
                            .input(Graph.INPUT, Shape.of(0, 2), new double[0])
                            .targets(Shape.of(0, 2), new double[0])
                            .build())
                    .hasMessageContaining("[EmptyBatch] 'input' has shape [0, 2]: the batch is empty.");
            assertThatThrownBy(() -> new Linear(0, 2)).hasMessageContaining("in_features");
            assertThatThrownBy(() -> new Linear(2, 0)).hasMessageContaining("out_features");
            // An extra axis of length zero: there is nothing that a loss could look at.
            assertThatThrownBy(() -> backpack.model(
                            Graph.sequential(new Linear(2, 2)), new MSELoss(), DType.FLOAT32, Shape.of(0, 2)))
                    .hasMessageStartingWith(
                            "[EmptyOutput] The network's output, that of node '0' (Linear), has shape [0, 2]");
        }
    }

    @Test
    void strides_beyond_32_bits_are_refused() {
        for (long stride : new long[] {(1L << 29) + 1, 1L << 31, 1L << 32, (1L << 32) + 1, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> strided(BACKPACKS.get(0), DType.FLOAT32, stride))
                    .hasMessageContaining("[InvalidArgument]")
                    .hasMessageContaining("stride of a window is " + stride);
        }
    }

    /** oneDNN counts bytes in 32 bits. */
    @ParameterizedTest
    @ValueSource(longs = {1L << 16, 1L << 20, 1L << 28, 1L << 29})
    void strides_beyond_the_input_are_one_window(long stride) {
        Map<String, double[]> plain = strided(BACKPACKS.get(1), DType.FLOAT64, 7);
        for (BackPack backpack : BACKPACKS) {
            for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
                Map<String, double[]> wide = strided(backpack, dtype, stride);
                assertThat(wide.keySet()).isEqualTo(plain.keySet());
                plain.forEach(
                        (name, values) -> assertThat(wide.get(name)).as(name).containsExactly(values, within(1e-5)));
            }
        }
    }

    private static Map<String, double[]> strided(BackPack backpack, DType dtype, long stride) {
        Map<String, Object> convolution =
                Map.of("in_channels", 1, "out_channels", 2, "kernel_size", 3, "stride", List.of(1, stride));
        ModelDescription description = new ModelDescription(
                List.of(
                        node("0", "Conv2d", convolution),
                        node("1", "ReLU", Map.of()),
                        node("2", "MaxPool2d", Map.of("kernel_size", List.of(2, 1), "stride", List.of(1, stride))),
                        node("3", "AvgPool2d", Map.of("kernel_size", List.of(2, 1), "stride", List.of(stride, 1))),
                        node("4", "Flatten", Map.of()),
                        linear("5", 2, 2)),
                List.of(),
                Optional.empty(),
                new LossDescription("MSELoss", Map.of()));
        List<Request<?>> requests = new ArrayList<>();
        for (String type : List.of("BatchGrad", "Variance", "DiagGGNExact", "KFAC")) {
            requests.add(backpack.catalog().request(type, Map.of()));
        }
        Map<String, double[]> arrays = new TreeMap<>();
        double[] inputs = normal(new Random(1), 1, 3, 36).values();
        try (Model model = backpack.model(description, dtype, Shape.of(1, 6, 6));
                Batch batch = backpack.batch(dtype)
                        .input("input", Shape.of(3, 1, 6, 6), inputs)
                        .targets(Shape.of(3, 2), new double[6])
                        .build()) {
            model.parameters().initialize(1);
            try (Results results =
                    backpack.plan(model, batch, requests, PassOptions.DEFAULT).run(batch, 1)) {
                results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
            }
        }
        return arrays;
    }
}
