package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Squares of several columns are those of tiles; the oracle is the host, which materialises them. */
class UnfoldedSquaresTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    private static double[] squares(
            String kernels, Window window, Numbers x, Numbers y, Numbers weights, Shape weight) {
        try (Backend backend = Variant.open(kernels);
                TensorScope scope = backend.openScope()) {
            Tensor destination = Numbers.filled(weight, 1).on(scope, SINGLE);
            var product = new PerSampleConvolution(window, y.on(scope, SINGLE), x.on(scope, SINGLE), weight);
            Tensor given = weights.values().length == 0 ? null : weights.on(scope, SINGLE);
            var consumer = new TileConsumer.SumOfSquares(destination, null, given);
            assertThat(UnfoldedSquares.fits(product, consumer)).isTrue();
            backend.convolutions().contract(product, List.of(consumer));
            return destination.toDoubleArray();
        }
    }

    private static void check(Window window, Shape in, long columns, long channels, boolean weighted, String what) {
        Random random = Variant.random(what.hashCode());
        Shape out = Shape.of(columns * in.size(0), channels);
        for (int axis = 0; axis < window.axes(); axis++) {
            long reach = in.size(axis + 2) + 2 * window.padding().get(axis) - window.reach(axis);
            out = out.append(reach / window.stride().get(axis) + 1);
        }
        Shape weight = Shape.of(channels, in.size(1));
        for (long size : window.kernel()) {
            weight = weight.append(size);
        }
        Numbers x = Numbers.random(random, SINGLE, in);
        Numbers y = Numbers.random(random, SINGLE, out);
        Numbers weights = Numbers.random(random, SINGLE, weighted ? Shape.of(out.size(0)) : Shape.of(0));
        double[] expected = squares("nd4j", window, x, y, weights, weight);
        double[] found = squares("onednn", window, x, y, weights, weight);
        double tolerance = 1e-5 * out.elements(2, out.rank()) * out.size(0);
        for (int i = 0; i < found.length; i++) {
            if (!(Math.abs(found[i] - expected[i]) <= tolerance)) {
                fail("%s, %s, seed %d, at %d: %s, not %s", what, window, Variant.seed(), i, found[i], expected[i]);
            }
        }
    }

    @Test
    void agreesWithTilesAtRandom() {
        Random random = Variant.random(1000);
        for (int round = 0; round < 40; round++) {
            int axes = 1 + random.nextInt(3);
            List<Long> kernel = new ArrayList<>();
            List<Long> stride = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            Shape in = Shape.of(1 + random.nextInt(5), 20 + random.nextInt(9));
            for (int axis = 0; axis < axes; axis++) {
                kernel.add(2L + random.nextInt(2));
                stride.add(1L + random.nextInt(2));
                padding.add((long) random.nextInt((int) (long) kernel.get(axis)));
                in = in.append(kernel.get(axis) + random.nextInt(axes == 3 ? 2 : 4));
            }
            Window window = new Window(kernel, stride, padding, Collections.nCopies(axes, 1L));
            check(window, in, 4 + random.nextInt(2), 52 + random.nextInt(3), random.nextBoolean(), "round " + round);
        }
    }

    @Test
    void manyPositionsInSeveralRuns() {
        Window window = new Window(List.of(3L, 3L), List.of(1L, 1L), List.of(0L, 0L), List.of(1L, 1L));
        check(window, Shape.of(5, 64, 26, 26), 4, 16, false, "runs");
    }
}
