// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Squares over unfolded inputs are those of tiles; the oracle is the host, which materialises them. */
class UnfoldedSquaresTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    private record Operands(
            Window window, Numbers inputs, Numbers outputs, Numbers weights, Numbers center, Shape weight) {

        /** The same with numbers of bfloat16, which rounding leaves as they are. */
        Operands cut() {
            return new Operands(window, cut(inputs), cut(outputs), weights, center, weight);
        }

        private static Numbers cut(Numbers numbers) {
            float[] values = new float[numbers.values().length];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) numbers.values()[i];
            }
            float[] cut = TrialNumbers.cut(values);
            double[] result = new double[cut.length];
            Arrays.setAll(result, i -> cut[i]);
            return new Numbers(numbers.shape(), result);
        }

        double[] squares(String kernels, Precision precision) {
            try (Backend backend = Variant.open(kernels);
                    TensorScope scope = backend.openScope()) {
                Tensor destination = Numbers.filled(weight, 1).on(scope, SINGLE);
                var product =
                        new PerSampleConvolution(window, outputs.on(scope, SINGLE), inputs.on(scope, SINGLE), weight);
                Tensor given = weights.values().length == 0 ? null : weights.on(scope, SINGLE);
                var consumer = new TileConsumer.SumOfSquares(
                        destination, center.values().length == 0 ? null : center.on(scope, SINGLE), given);
                assertThat(UnfoldedSquares.fits(product, false)).isTrue();
                return backend.in(precision, () -> {
                    backend.convolutions().contract(product, List.of(consumer));
                    return destination.toDoubleArray();
                });
            }
        }
    }

    /** @param repeats of the cotangents; of the inputs if negative, as with transposed convolutions */
    private static void check(Window window, Shape in, long repeats, long channels, boolean weighted, String what) {
        check(window, in, repeats, channels, weighted, false, what);
    }

    private static void check(
            Window window, Shape in, long repeats, long channels, boolean weighted, boolean centered, String what) {
        Random random = Variant.random(what.hashCode());
        Shape inputs = in.with(0, in.size(0) * Math.max(1, -repeats));
        Shape outputs = Shape.of(in.size(0) * Math.max(1, repeats), channels);
        for (int axis = 0; axis < window.axes(); axis++) {
            long reach = in.size(axis + 2) + 2 * window.padding().get(axis) - window.reach(axis);
            outputs = outputs.append(reach / window.stride().get(axis) + 1);
        }
        Shape weight = Shape.of(channels, in.size(1));
        for (long size : window.kernel()) {
            weight = weight.append(size);
        }
        long batch = Math.max(inputs.size(0), outputs.size(0));
        var operands = new Operands(
                window,
                Numbers.random(random, SINGLE, inputs),
                Numbers.random(random, SINGLE, outputs),
                Numbers.random(random, SINGLE, weighted ? Shape.of(batch) : Shape.of(0)),
                Numbers.random(random, SINGLE, centered ? weight : Shape.of(0)),
                weight);
        double tolerance = 1e-5 * outputs.elements(2, outputs.rank()) * batch;
        check(operands, Precision.FULL, tolerance, what);
        if (Rounding.isFast()) {
            check(operands.cut(), Precision.BF16_FAST, tolerance, "rounded " + what);
        }
    }

    private static void check(Operands operands, Precision precision, double tolerance, String what) {
        double[] expected = operands.squares("nd4j", Precision.FULL);
        double[] found = operands.squares("onednn", precision);
        Window window = operands.window();
        for (int i = 0; i < found.length; i++) {
            if (!(Math.abs(found[i] - expected[i]) <= tolerance)) {
                fail("%s, %s, seed %d, at %d: %s, not %s", what, window, Variant.seed(), i, found[i], expected[i]);
            }
        }
    }

    @Test
    void agreesWithTilesAtRandom() {
        Random random = Variant.random(1000);
        for (int round = 0; round < 60; round++) {
            int axes = 1 + random.nextInt(3);
            List<Long> kernel = new ArrayList<>();
            List<Long> stride = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            List<Long> dilation = new ArrayList<>();
            Shape in = Shape.of(1 + random.nextInt(5), 45 + random.nextInt(9));
            for (int axis = 0; axis < axes; axis++) {
                kernel.add(1L + random.nextInt(axes == 3 ? 2 : 3));
                stride.add(1L + random.nextInt(2));
                dilation.add(1L + random.nextInt(2));
                long reach = (kernel.get(axis) - 1) * dilation.get(axis) + 1;
                padding.add((long) random.nextInt((int) Math.min(reach, axes == 3 ? 2 : 3)));
                in = in.append(reach + random.nextInt(axes == 3 ? 1 : 3));
            }
            Window window = new Window(kernel, stride, padding, dilation);
            long repeats = 4L + random.nextInt(3);
            check(window, in, repeats, 52 + random.nextInt(3), random.nextBoolean(), "round " + round);
        }
    }

    @Test
    void inputsThatAreUnfoldedAlready() {
        Window window = new Window(List.of(1L, 1L), List.of(1L, 1L), List.of(0L, 0L), List.of(1L, 1L));
        check(window, Shape.of(5, 64, 6, 6), 3, 48, true, "single elements");
        check(window, Shape.of(5, 64, 6, 6), 1, 48, false, "one column");
        check(window, Shape.of(5, 64, 6, 6), -3, 48, true, "several columns of inputs");
        Window cut = new Window(List.of(1L, 1L), List.of(2L, 2L), List.of(0L, 0L), List.of(1L, 1L));
        check(cut, Shape.of(5, 64, 7, 7), 4, 48, true, "single elements, every other position");
    }

    @Test
    void aboutACenter() {
        Window window = new Window(List.of(3L, 2L), List.of(2L, 1L), List.of(1L, 0L), Collections.nCopies(2, 1L));
        check(window, Shape.of(5, 64, 4, 3), 4, 48, false, true, "about a center");
        check(window, Shape.of(5, 64, 4, 3), 4, 48, true, true, "about a center, weighted");
    }

    /** Some rows after the other, the last of them fewer; one column is enough. */
    @Test
    void largeWeights() {
        Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), Collections.nCopies(2, 1L));
        check(window, Shape.of(3, 96, 3, 6), 1, 1300, false, false, "large");
        check(window, Shape.of(3, 96, 3, 6), 1, 1300, false, true, "large, about a center");
        check(window, Shape.of(3, 96, 3, 6), 2, 1300, true, true, "large, about a center, weighted columns");
        check(window, Shape.of(3, 96, 3, 6), -2, 1300, true, true, "large, about a center, columns of inputs");
    }

    @Test
    void severalRuns() {
        Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), Collections.nCopies(2, 1L));
        check(window, Shape.of(11, 96, 8, 8), 4, 16, false, "runs");
    }
}
