// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Tiles that are kept, of unfolded inputs, are the sums that define them, in double precision. */
class UnfoldedTilesTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    /** @param repeats columns of the cotangents; of the inputs if negative, as with transposed convolutions */
    private static void check(Window window, Shape in, long repeats, long channels, String what) {
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
        Numbers x = Numbers.random(random, SINGLE, inputs);
        Numbers d = Numbers.random(random, SINGLE, outputs);
        try (Backend backend = Variant.open("onednn");
                TensorScope scope = backend.openScope()) {
            Tensor tiles = Numbers.filled(weight.prepend(batch), Double.NaN).on(scope, SINGLE);
            var product = new PerSampleConvolution(window, d.on(scope, SINGLE), x.on(scope, SINGLE), weight);
            List<TileConsumer> copy = List.of(new TileConsumer.Copy(tiles));
            assertThat(UnfoldedTiles.fits(product, copy)).as(what).isTrue();
            backend.convolutions().contract(product, copy);
            float[] found = tiles.toFloatArray();
            // every element of a few tiles would take long; these are spread over all of them
            for (int round = 0; round < 4000; round++) {
                int b = round < batch ? round : random.nextInt((int) batch);
                int o = random.nextInt((int) channels);
                int c = random.nextInt((int) in.size(1));
                int k = random.nextInt((int) window.elements());
                double expected = tile(window, x, d, b, o, c, k);
                int place = (int) (((b * channels + o) * in.size(1) + c) * window.elements() + k);
                double tolerance = 1e-5 * Math.sqrt(outputs.elements(2, outputs.rank()) + 1.0);
                if (!(Math.abs(found[place] - expected) <= tolerance)) {
                    fail(
                            "%s, %s, seed %d, tile %d at [%d, %d, %d]: %s, not %s",
                            what, window, Variant.seed(), b, o, c, k, found[place], expected);
                }
            }
        }
    }

    /** Σ over output positions of d times the input that element k of the window sees there. */
    private static double tile(Window window, Numbers x, Numbers d, int b, int o, int c, int k) {
        int axes = window.axes();
        int[] element = new int[axes];
        for (int axis = axes - 1, rest = k; axis >= 0; axis--) {
            int size = Math.toIntExact(window.kernel().get(axis));
            element[axis] = rest % size;
            rest /= size;
        }
        int positions = (int) d.shape().elements(2, d.shape().rank());
        double sum = 0;
        for (int position = 0; position < positions; position++) {
            int[] output = new int[axes + 2];
            int[] input = new int[axes + 2];
            output[0] = b % (int) d.shape().size(0);
            output[1] = o;
            input[0] = b % (int) x.shape().size(0);
            input[1] = c;
            boolean inside = true;
            for (int axis = axes - 1, rest = position; axis >= 0; axis--) {
                int size = (int) d.shape().size(axis + 2);
                output[axis + 2] = rest % size;
                rest /= size;
                input[axis + 2] =
                        Math.toIntExact(output[axis + 2] * window.stride().get(axis)
                                + element[axis] * window.dilation().get(axis)
                                - window.padding().get(axis));
                inside &= input[axis + 2] >= 0 && input[axis + 2] < x.shape().size(axis + 2);
            }
            sum += inside ? d.at(output) * x.at(input) : 0;
        }
        return sum;
    }

    @Test
    void tilesAreTheirDefinitionAtRandom() {
        Random random = Variant.random(1100);
        for (int round = 0; round < 30; round++) {
            int axes = 1 + random.nextInt(3);
            List<Long> kernel = new ArrayList<>();
            List<Long> stride = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            List<Long> dilation = new ArrayList<>();
            Shape in = Shape.of(1 + random.nextInt(6), 0);
            long elements = 1;
            for (int axis = 0; axis < axes; axis++) {
                kernel.add(1L + random.nextInt(axes == 3 ? 2 : 3));
                stride.add(1L + random.nextInt(2));
                dilation.add(1L + random.nextInt(2));
                long reach = (kernel.get(axis) - 1) * dilation.get(axis) + 1;
                padding.add((long) random.nextInt((int) Math.min(reach, axes == 3 ? 2 : 3)));
                in = in.append(reach + random.nextInt(3));
                elements *= kernel.get(axis);
            }
            long channels = 150L + random.nextInt(100);
            in = in.with(1, (1 << 17) / (channels * elements) + 1 + random.nextInt(9));
            Window window = new Window(kernel, stride, padding, dilation);
            long repeats = List.of(1L, 1L, 3L, -2L).get(random.nextInt(4));
            check(window, in, repeats, channels, "round " + round);
        }
    }

    @Test
    void severalRunsTheLastOfThemShorter() {
        Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));
        check(window, Shape.of(11, 128, 5, 5), 1, 160, "runs");
        check(window, Shape.of(7, 128, 5, 5), 2, 160, "runs of columns");
        check(window, Shape.of(7, 128, 5, 5), -2, 160, "runs of columns of inputs");
    }
}
