// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static io.backpack4j.modules.conv.Types.create;
import static io.backpack4j.modules.conv.Types.declare;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.module.JacobianChecks;
import io.backpack4j.testkit.module.TangentChecks;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BatchNormTest {

    private static final double STEP = 1e-6;

    static Stream<Arguments> backpacksTests() {
        return Stream.of(
                Arguments.of(1, Shape.of(7)),
                Arguments.of(1, Shape.of(7, 4)),
                Arguments.of(2, Shape.of(7, 3, 4)),
                Arguments.of(3, Shape.of(7, 3, 4, 2)));
    }

    @ParameterizedTest
    @MethodSource("backpacksTests")
    void evalModeAgreesWithDifferences(int axes, Shape sample) {
        JacobianChecks.run(BatchNorm.of(axes, 7, Mode.EVAL), 2, sample);
    }

    @ParameterizedTest
    @MethodSource("backpacksTests")
    void bothModesGoForwardAndHaveSecondDerivatives(int axes, Shape sample) {
        for (Mode mode : Mode.values()) {
            TangentChecks.run(BatchNorm.of(axes, 7, mode), 4, sample);
            TangentChecks.run(new BatchNorm(axes, 7, 0.1, 0.1, false, true, mode), 4, sample);
        }
    }

    /** What came out of a pass with V columns. */
    private record Outcome(double[] output, double[] input, Map<String, double[]> sums) {}

    private static Outcome run(
            Module module, Shape batch, double[] x, Map<String, double[]> numbers, int columns, double[] d) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            TestContext context = TestContext.of(backend, scope, batch.size(0));
            Map<String, Tensor> parameters = new HashMap<>();
            numbers.forEach((name, values) ->
                    parameters.put(name, backend.upload(scope, Shape.of(values.length), DType.FLOAT64, values)));
            Tensor input = backend.upload(scope, batch, DType.FLOAT64, x);
            Evaluation evaluation = module.evaluate(context, List.of(input), parameters);
            double[] output = evaluation.output().toDoubleArray();
            input.close();
            evaluation.output().close();
            Tensor cotangents = backend.upload(scope, batch.prepend(columns), DType.FLOAT64, d);
            Pullback pullback = evaluation.pullback(context, cotangents);
            Map<String, double[]> sums = new HashMap<>();
            for (ParameterSpec spec :
                    module.declare(List.of(batch.dropFirst(1))).parameters()) {
                if (spec.trainable()) {
                    Tensor sum = scope.allocate(spec.shape().prepend(columns), DType.FLOAT64);
                    pullback.parameter(spec.name())
                            .execute(List.of(new ContractionTask(new Contraction.Sum(), List.of(sum), null, false)));
                    sums.put(spec.name(), sum.toDoubleArray());
                }
            }
            numbers.forEach((name, values) ->
                    assertThat(parameters.get(name).toDoubleArray()).as(name).containsExactly(values));
            return new Outcome(output, pullback.input(0).toDoubleArray(), sums);
        }
    }

    /** Mean 0 and variance 1 over samples and positions, then the affine map: the definition. */
    private static double[] definition(Shape batch, double[] x, double[] weight, double[] bias, double eps) {
        int channels = (int) batch.size(1);
        int positions = (int) batch.elements(2, batch.rank());
        double[] y = new double[x.length];
        for (int c = 0; c < channels; c++) {
            int channel = c;
            int[] own = IntStream.range(0, x.length)
                    .filter(i -> i / positions % channels == channel)
                    .toArray();
            double mean = Arrays.stream(own).mapToDouble(i -> x[i]).average().orElseThrow();
            double variance = Arrays.stream(own)
                    .mapToDouble(i -> (x[i] - mean) * (x[i] - mean))
                    .average()
                    .orElseThrow();
            for (int i : own) {
                y[i] = weight[c] * (x[i] - mean) / Math.sqrt(variance + eps) + bias[c];
            }
        }
        return y;
    }

    @ParameterizedTest
    @MethodSource("backpacksTests")
    void trainModeIsItsDefinition(int axes, Shape sample) {
        Random random = Randomness.of("batch norm " + axes);
        Shape batch = sample.prepend(5);
        int columns = 2;
        double[] x = Randomness.normal(random, batch.elements());
        double[] d = Randomness.normal(random, columns * batch.elements());
        double[] ones = new double[7];
        Arrays.fill(ones, 1);
        Map<String, double[]> numbers = Map.of(
                "weight",
                Randomness.normal(random, 7),
                "bias",
                Randomness.normal(random, 7),
                "running_mean",
                new double[7],
                "running_var",
                ones);

        Outcome affine = run(BatchNorm.of(axes, 7, Mode.TRAIN), batch, x, numbers, columns, d);
        check(affine, batch, x, numbers.get("weight"), numbers.get("bias"), d);
        Module plain = create(
                "BatchNorm" + axes + "d",
                "num_features",
                7,
                "affine",
                false,
                "track_running_stats",
                false,
                "mode",
                "eval");
        check(run(plain, batch, x, Map.of(), columns, d), batch, x, ones, new double[7], d);
    }

    private static void check(Outcome outcome, Shape batch, double[] x, double[] weight, double[] bias, double[] d) {
        double[] y = definition(batch, x, weight, bias, 1e-5);
        Numbers.assertClose("output", outcome.output, y, 1e-12);
        int columns = d.length / x.length;
        double[] gradient = new double[d.length];
        for (int i = 0; i < x.length; i++) {
            slopes(x, i, () -> definition(batch, x, weight, bias, 1e-5), d, gradient, columns);
        }
        Numbers.assertClose("input", outcome.input, gradient, 1e-7);
        if (!outcome.sums.isEmpty()) {
            double[] weights = new double[columns * weight.length];
            double[] biases = new double[columns * weight.length];
            for (int c = 0; c < weight.length; c++) {
                slopes(weight, c, () -> definition(batch, x, weight, bias, 1e-5), d, weights, columns);
                slopes(bias, c, () -> definition(batch, x, weight, bias, 1e-5), d, biases, columns);
            }
            Numbers.assertClose("weight", outcome.sums.get("weight"), weights, 1e-7);
            Numbers.assertClose("bias", outcome.sums.get("bias"), biases, 1e-7);
        }
    }

    /** Σ of cotangents times differences, per column. */
    private static void slopes(
            double[] numbers, int index, Supplier<double[]> forward, double[] d, double[] gradient, int columns) {
        double old = numbers[index];
        numbers[index] = old + STEP;
        double[] high = forward.get();
        numbers[index] = old - STEP;
        double[] low = forward.get();
        numbers[index] = old;
        for (int v = 0; v < columns; v++) {
            for (int o = 0; o < high.length; o++) {
                gradient[v * numbers.length + index] += (high[o] - low[o]) / (2 * STEP) * d[v * high.length + o];
            }
        }
    }

    @Test
    void declaresWhatPyTorchHas() {
        ModuleDeclaration train = declare(create("BatchNorm2d", "num_features", 3), 3, 4, 5);
        Shape channels = Shape.of(3);
        Initializer ones = new Initializer.Constant(1);
        Initializer zeros = new Initializer.Constant(0);

        assertThat(train.couplesSamples()).isTrue();
        assertThat(train.parameters())
                .containsExactly(
                        ParameterSpec.parameter("weight", channels, ones),
                        ParameterSpec.parameter("bias", channels, zeros),
                        ParameterSpec.buffer("running_mean", channels, zeros),
                        ParameterSpec.buffer("running_var", channels, ones),
                        ParameterSpec.counter("num_batches_tracked"));
        ModuleDeclaration eval = declare(BatchNorm.of(1, 3, Mode.EVAL), 3);
        assertThat(eval.couplesSamples()).isFalse();
        assertThat(declare(create("BatchNorm1d", "num_features", 3, "affine", false), 3, 9)
                        .parameters())
                .extracting(ParameterSpec::name)
                .containsExactly("running_mean", "running_var", "num_batches_tracked");
        Module untracked = create("BatchNorm1d", "num_features", 3, "track_running_stats", false, "mode", "eval");
        assertThat(declare(untracked, 3).couplesSamples()).isTrue();
        assertThat(declare(untracked, 3).parameters())
                .extracting(ParameterSpec::name)
                .containsExactly("weight", "bias");
    }

    @Test
    void oneNumberPerChannelHasNoVariance() {
        Module module = BatchNorm.of(1, 2, Mode.TRAIN);
        assertThatThrownBy(() -> Types.forward(module, Shape.of(2), 1, 2))
                .hasMessage("[TooFewSamples] BatchNorm1d normalises with the mean and the variance of the batch, but"
                        + " there is one number per channel, in a batch of shape [1, 2]. Use more samples, or its eval"
                        + " mode with running statistics (\"mode\": \"eval\" in a model file).");
    }

    @Test
    void saysWhatDoesNotFit() {
        assertThatThrownBy(() -> declare(BatchNorm.of(2, 3, Mode.EVAL), 4, 5, 6))
                .hasMessageContaining("BatchNorm2d has num_features = 3")
                .hasMessageContaining("[4, 5, 6]. Change num_features, or what comes before.");
        assertThatThrownBy(() -> declare(BatchNorm.of(2, 3, Mode.EVAL), 3))
                .hasMessageContaining("BatchNorm2d takes samples of shape [channels, height, width]");
        assertThatThrownBy(() -> declare(BatchNorm.of(1, 3, Mode.EVAL), 3, 4, 5))
                .hasMessageContaining("BatchNorm1d takes samples of shape [channels, length]");
        assertThatThrownBy(() -> BatchNorm.of(1, 0, Mode.EVAL)).hasMessageContaining("'num_features'");
        assertThatThrownBy(() -> create("BatchNorm1d", "num_features", 3, "eps", -1))
                .hasMessageContaining("'eps' of BatchNorm1d is -1.0, but must be at least 0");
        assertThatThrownBy(() -> create("BatchNorm1d", "num_features", 3, "momentum", Double.NaN))
                .hasMessageContaining("'momentum'");
        assertThatThrownBy(() -> create("BatchNorm1d", "num_features", 3, "mode", "off"))
                .hasMessageContaining("train, eval");
        assertThatThrownBy(() -> BatchNorm.of(1, 3, Mode.EVAL).declare(List.of()))
                .hasMessageContaining("[InputCountMismatch]");
    }
}
