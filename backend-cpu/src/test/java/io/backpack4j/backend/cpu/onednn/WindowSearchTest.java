// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.backend.cpu.VariantTest;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Convolutions of random sizes as callers ask for them, whatever computes them, against plain loops. */
class WindowSearchTest {

    private static final long MILLIS = Long.getLong("dnnl.search.millis", 300);
    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    @Test
    void random_sizes() {
        long end = System.nanoTime() + 3 * MILLIS * 1_000_000;
        try (Backend backend = SINGLE.open()) {
            for (long seed = Variant.seed(); System.nanoTime() < end; seed++) {
                var random = new Random(seed);
                check(backend, random, WindowTrials.random(random, false), "seed %d".formatted(seed));
            }
        }
    }

    /** One channel, and one window per row that does not reach its end. */
    @Test
    void windows_that_leave_out_the_end_of_a_row() {
        var random = Variant.random(81);
        try (Backend backend = SINGLE.open()) {
            for (int padding = 0; padding < 3; padding += 2) {
                for (int width = 1; width < 6; width++) {
                    for (int kernel = 1; kernel <= width + padding; kernel++) {
                        Window window = new Window(
                                List.of(2L, (long) kernel),
                                List.of(1L, 20L),
                                List.of(0L, (long) padding),
                                List.of(1L, 1L));
                        var trials = new WindowTrials(2, 1, 1, 3, new int[] {5, width}, new int[] {4, 1}, window);
                        check(backend, random, trials, "width");
                    }
                }
            }
        }
    }

    /** Much padding left of many windows that move by more than 1. */
    @Test
    void rows_that_begin_far_in_the_padding() {
        var random = Variant.random(82);
        try (Backend backend = SINGLE.open()) {
            for (int padding = 13; padding < 18; padding += 2) {
                for (int outputs = 28; outputs < 46; outputs += 5) {
                    Window window = new Window(List.of(7L), List.of(2L), List.of((long) padding), List.of(4L));
                    int width = 2 * (outputs - 1) + 25 - 2 * padding;
                    check(
                            backend,
                            random,
                            new WindowTrials(2, 1, 2, 3, new int[] {width}, new int[] {outputs}, window),
                            "padding");
                }
            }
        }
    }

    /** Planes that windows leave in front and behind. */
    @Test
    void windows_that_reach_over_both_ends() {
        var random = Variant.random(83);
        try (Backend backend = SINGLE.open()) {
            for (int depth = 2; depth < 9; depth++) {
                for (int padding = 2; padding < 6; padding++) {
                    int outputs = (depth + 2 * padding - 6) / 2 + 1;
                    Window window = new Window(
                            List.of(6L, 1L, 1L),
                            List.of(2L, 1L, 1L),
                            List.of((long) padding, 0L, 0L),
                            List.of(1L, 1L, 1L));
                    var trials =
                            new WindowTrials(2, 1, 2, 3, new int[] {depth, 4, 5}, new int[] {outputs, 4, 5}, window);
                    check(backend, random, trials, "depth");
                }
            }
        }
    }

    /** Kernels of one element that skip inputs, of any number of channels. */
    @Test
    void single_elements_that_skip_inputs() {
        var random = Variant.random(84);
        Window window = new Window(List.of(1L, 1L), List.of(2L, 3L), List.of(0L, 0L), List.of(1L, 1L));
        try (Backend backend = SINGLE.open()) {
            for (int channels : new int[] {1, 3, 7, 8, 9, 16}) {
                var trials = new WindowTrials(2, 1, channels, 5, new int[] {9, 10}, new int[] {5, 4}, window);
                check(backend, random, trials, "channels");
                assertThat(DnnlFaults.weightGradientFails(trials.sizes())).isEqualTo(channels % 8 != 0);
            }
        }
    }

    private static void check(Backend backend, Random random, WindowTrials of, String which) {
        String what = which + ": " + of;
        float[] x = of.randomInputs(random);
        float[] w = of.randomWeights(random);
        float[] y = of.randomOutputs(random);
        double[][] forward = new double[2][y.length];
        double[][] back = new double[2][x.length];
        double[][] gradient = new double[2][w.length];
        of.visit((input, weight, output) -> {
            add(forward, output, (double) x[input] * w[weight]);
            add(back, input, (double) y[output] * w[weight]);
            add(gradient, weight, (double) x[input] * y[output]);
        });
        int in = WindowTrials.product(of.in);
        int out = WindowTrials.product(of.out);
        try (TensorScope scope = backend.openScope()) {
            Tensor inputs = tensor(scope, of.inputShape(), x, of.inputs, in);
            Tensor outputs = tensor(scope, of.outputShape(), y, of.outputs, out);
            Tensor weight = tensor(scope, of.weightShape(), w, 1, w.length);
            Tensor convolved = VariantTest.dirty(scope, SINGLE, of.outputShape());
            backend.convolutions().convolve(of.window, inputs, weight, null, convolved);
            assertClose(convolved, forward, of.outputs, out, "convolution of " + what);
            Tensor transposed = VariantTest.dirty(scope, SINGLE, of.inputShape());
            backend.convolutions().convolveTransposed(of.window, outputs, weight, null, transposed);
            assertClose(transposed, back, of.inputs, in, "transposed convolution of " + what);
            var product = new PerSampleConvolution(of.window, outputs, inputs, of.weightShape());
            Tensor sum = Numbers.filled(of.weightShape().prepend(1), 0).on(scope, SINGLE);
            backend.convolutions().sum(product, sum);
            assertClose(sum, gradient, 1, w.length, "weight gradient of " + what);
            Tensor tiles = VariantTest.dirty(scope, SINGLE, of.weightShape().prepend(of.batch));
            backend.convolutions().contract(product, List.of(new TileConsumer.Copy(tiles)));
            Tensor added = VariantTest.dirty(scope, SINGLE, of.weightShape());
            backend.reductions().reduce(Reduction.SUM, tiles, 0, 1, added);
            assertClose(added, gradient, 1, w.length, "weight gradients of samples of " + what);
        }
    }

    private static void add(double[][] sums, int place, double product) {
        sums[0][place] += product;
        sums[1][place] += Math.abs(product);
    }

    /** Row-major, of numbers whose channels lie last. */
    private static Tensor tensor(TensorScope scope, Shape shape, float[] numbers, int channels, int positions) {
        double[] values = new double[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            values[i] = numbers[place(i, channels, positions)];
        }
        return new Numbers(shape, values).on(scope, SINGLE);
    }

    /** Where the i-th element in row-major order is with channels last. */
    private static int place(int i, int channels, int positions) {
        int n = i / (channels * positions);
        return (n * positions + i % positions) * channels + i / positions % channels;
    }

    private static void assertClose(Tensor actual, double[][] expected, int channels, int positions, String what) {
        double[] found = actual.toDoubleArray();
        for (int i = 0; i < found.length; i++) {
            int place = place(i, channels, positions);
            double tolerance = DnnlTrial.TOLERANCE * expected[1][place] + Float.MIN_NORMAL;
            assertThat(Math.abs(found[i] - expected[0][place]) <= tolerance)
                    .as("%s: element %d is %s, not %s", what, i, found[i], expected[0][place])
                    .isTrue();
        }
    }
}
