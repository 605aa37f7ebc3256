// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Random;

/** Windows over two axes at sizes that take several steps; small ones are the contract's. */
class WindowsTest extends VariantTest {

    /** B, G, C/G, H, W, kernel, stride, padding, dilation. */
    private static final int[][] SIZES = {
        {2, 1, 5, 7, 6, 3, 1, 1, 1},
        {1, 1, 70, 5, 60, 3, 1, 1, 1},
        {2, 1, 30, 4, 40, 3, 1, 1, 1},
        {1, 2, 40, 5, 90, 3, 2, 2, 2},
        {1, 1, 2, 3, 9000, 2, 1, 0, 1},
        {2, 1, 3, 6, 6, 1, 3, 0, 1},
        {1, 1, 1, 1, 1, 1, 1, 3, 1},
    };

    private static Window window(int[] size) {
        List<Long> kernel = List.of((long) size[5], (long) size[5]);
        List<Long> stride = List.of((long) size[6], (long) size[6]);
        List<Long> padding = List.of((long) size[7], (long) size[7]);
        return new Window(kernel, stride, padding, List.of((long) size[8], (long) size[8]));
    }

    private static long outputs(int[] size, int axis) {
        return (size[3 + axis] + 2L * size[7] - (size[5] - 1L) * size[8] - 1) / size[6] + 1;
    }

    /** Moves numbers between an image and its unfolded form, element by element. */
    private static void move(int[] size, Numbers image, Numbers columns, boolean fold) {
        int kernel = size[5];
        for (int i = 0; i < columns.values().length; i++) {
            int[] at = columns.index(i);
            int element = at[3] % (kernel * kernel);
            int channel = at[1] * size[2] + at[3] / (kernel * kernel);
            int width = (int) outputs(size, 1);
            int row = at[2] / width * size[6] + element / kernel * size[8] - size[7];
            int column = at[2] % width * size[6] + element % kernel * size[8] - size[7];
            if (row >= 0 && row < size[3] && column >= 0 && column < size[4]) {
                int place = image.position(at[0], channel, row, column);
                if (fold) {
                    image.values()[place] += columns.values()[i];
                } else {
                    columns.values()[i] = image.values()[place];
                }
            }
        }
    }

    @EachVariant
    void unfoldsAndFolds(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(61);
        for (int[] size : SIZES) {
            try (TensorScope scope = backend.openScope()) {
                List<Long> outputs = List.of(outputs(size, 0), outputs(size, 1));
                Shape imageShape = Shape.of(size[0], (long) size[1] * size[2], size[3], size[4]);
                Shape columnShape =
                        Shape.of(size[0], size[1], outputs.get(0) * outputs.get(1), (long) size[2] * size[5] * size[5]);
                Numbers image = Numbers.random(random, variant, imageShape);
                Numbers unfolded = Numbers.filled(columnShape, 0);
                move(size, image, unfolded, false);
                Tensor columns = dirty(scope, variant, columnShape);
                backend.convolutions().unfold(window(size), image.on(scope, variant), outputs, columns);
                unfolded.assertClose(columns, 0, "unfolded");

                Numbers random2 = Numbers.random(random, variant, columnShape);
                Numbers folded = Numbers.filled(imageShape, 0);
                move(size, folded, random2, true);
                Tensor back = dirty(scope, variant, imageShape);
                backend.convolutions().fold(window(size), random2.on(scope, variant), outputs, back);
                folded.assertClose(back, 10 * variant.tolerance(), "folded");
            }
        }
    }

    /** Sums over a batch, over its parts, with columns on either side: all by tiles that are kept, too. */
    @EachVariant
    void sumsWithoutTiles(Variant variant) {
        Backend backend = backend(variant);
        Random random = Variant.random(62);
        // B, columns of outputs, columns of inputs, G, C/G, O/G, side
        int[][] cases = {{6, 1, 1, 1, 20, 3, 5}, {6, 2, 1, 1, 2, 9, 14}, {4, 1, 3, 1, 12, 4, 6}, {3, 2, 1, 3, 2, 2, 5}};
        for (int[] size : cases) {
            try (TensorScope scope = backend.openScope()) {
                Window window = window(new int[] {0, 0, 0, 0, 0, 3, 1, 1, 1});
                Shape out = Shape.of((long) size[0] * size[1], (long) size[3] * size[5], size[6], size[6]);
                Shape in = Shape.of((long) size[0] * size[2], (long) size[3] * size[4], size[6], size[6]);
                Shape weight = Shape.of((long) size[3] * size[5], size[4], 3, 3);
                Tensor outputs = Numbers.random(random, variant, out).on(scope, variant);
                Tensor inputs = Numbers.random(random, variant, in).on(scope, variant);
                var product = new PerSampleConvolution(window, outputs, inputs, weight);
                long batch = product.batch();
                Tensor tiles = dirty(scope, variant, weight.prepend(batch));
                backend.convolutions().contract(product, List.of(new TileConsumer.Copy(tiles)));
                double[] kept = tiles.toDoubleArray();
                for (long runs : new long[] {1, batch / product.samples(), batch}) {
                    Numbers expected = Numbers.filled(weight.prepend(runs), 0.5);
                    Tensor sum = expected.on(scope, variant);
                    int elements = (int) weight.elements();
                    for (int i = 0; i < kept.length; i++) {
                        long run = i / elements / (batch / runs);
                        expected.values()[(int) run * elements + i % elements] += kept[i];
                    }
                    backend.convolutions().sum(product, sum);
                    expected.assertClose(sum, 200 * variant.tolerance(), "sum of " + runs + " runs");
                }
            }
        }
    }

    @EachVariant
    void equalStepsTakeNoNewMemory(Variant variant) {
        try (Backend backend = variant.open()) {
            long before = 0;
            for (int round = 0; round < 5; round++) {
                try (TensorScope scope = backend.openScope()) {
                    step(backend, scope, variant);
                }
                assertThat(backend.memory().openTensors()).isZero();
                if (round == 2) {
                    before = backend.memory().systemAllocations();
                }
            }
            assertThat(backend.memory().systemAllocations()).isEqualTo(before);
        }
    }

    private static void step(Backend backend, TensorScope scope, Variant variant) {
        Random random = Variant.random(63);
        Window window = window(new int[] {0, 0, 0, 0, 0, 3, 1, 1, 1});
        Tensor x = Numbers.random(random, variant, Shape.of(6, 4, 9, 9)).on(scope, variant);
        Tensor weight = Numbers.random(random, variant, Shape.of(8, 4, 3, 3)).on(scope, variant);
        Tensor y = dirty(scope, variant, Shape.of(6, 8, 9, 9));
        backend.convolutions().convolve(window, x, weight, null, y);
        backend.convolutions().convolveTransposed(window, y, weight, null, x);
        var product = new PerSampleConvolution(window, y, x, weight.shape());
        backend.convolutions().sum(product, scope.view(weight, weight.shape().prepend(1)));
        backend.convolutions().squaredNorms(product, dirty(scope, variant, Shape.of(6)));
        Tensor indices = scope.allocate(y.shape(), DType.INT64);
        Tensor maxima = dirty(scope, variant, y.shape());
        backend.pooling().maximum(window, y, maxima, indices);
        backend.pooling().scatter(indices, maxima, y);
        backend.pooling().gather(y, indices, maxima);
    }
}
