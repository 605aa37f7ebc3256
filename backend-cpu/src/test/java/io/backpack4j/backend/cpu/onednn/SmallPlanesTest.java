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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Sums and squares of convolutions that sum little are those of the definition, in double precision. */
class SmallPlanesTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    /**
     * One set of operands.
     *
     * @param weights {@code [B]}, or none
     * @param center of the weight's shape, or none
     */
    private record Case(Window window, Numbers inputs, Numbers outputs, Numbers weights, Numbers center, Shape weight) {

        /** 1 and what is added to it. */
        double[] expected() {
            double[] sums = Numbers.filled(weight, 1).values();
            int channels = (int) weight.size(1);
            int elements = (int) window.elements();
            int rows = (int) weight.size(0);
            int batch = (int) Math.max(inputs.shape().size(0), outputs.shape().size(0));
            int[][] reads = reads();
            int plane = (int) inputs.shape().elements(2, inputs.shape().rank());
            int positions = (int) outputs.shape().elements(2, outputs.shape().rank());
            for (int b = 0; b < batch; b++) {
                int n = b % (int) inputs.shape().size(0);
                int m = b % (int) outputs.shape().size(0);
                for (int i = 0; i < sums.length; i++) {
                    int k = i % elements;
                    int c = i / elements % channels;
                    int o = i / elements / channels;
                    double tile = center.values().length == 0 ? 0 : -center.values()[i];
                    for (int t = 0; t < positions; t++) {
                        if (reads[k][t] >= 0) {
                            tile += outputs.values()[(m * rows + o) * positions + t]
                                    * inputs.values()[(n * channels + c) * plane + reads[k][t]];
                        }
                    }
                    sums[i] += (weights.values().length == 0 ? 1 : weights.values()[b]) * tile * tile;
                }
            }
            return sums;
        }

        /** Added to 1, and written over it. */
        private void checkSum(String what) {
            double[] sums = Numbers.filled(weight, 0).values();
            int channels = (int) weight.size(1);
            int rows = (int) weight.size(0);
            int[][] reads = reads();
            int plane = (int) inputs.shape().elements(2, inputs.shape().rank());
            int positions = reads[0].length;
            for (int b = 0; b < inputs.shape().size(0); b++) {
                for (int i = 0; i < sums.length; i++) {
                    int[] read = reads[i % reads.length];
                    int c = i / reads.length % channels;
                    int o = i / reads.length / channels;
                    for (int t = 0; t < positions; t++) {
                        sums[i] += read[t] < 0
                                ? 0
                                : outputs.values()[(b * rows + o) * positions + t]
                                        * inputs.values()[(b * channels + c) * plane + read[t]];
                    }
                }
            }
            try (Backend backend = SINGLE.open();
                    TensorScope scope = backend.openScope()) {
                var product =
                        new PerSampleConvolution(window, outputs.on(scope, SINGLE), inputs.on(scope, SINGLE), weight);
                for (boolean accumulate : new boolean[] {true, false}) {
                    Tensor destination = Numbers.filled(weight.prepend(1), 1).on(scope, SINGLE);
                    backend.convolutions().sum(product, accumulate, destination);
                    double[] found = destination.toDoubleArray();
                    for (int i = 0; i < found.length; i++) {
                        double sum = found[i] - (accumulate ? 1 : 0);
                        if (!(Math.abs(sum - sums[i]) <= 1e-5 * Math.max(1, Math.abs(sums[i])))) {
                            fail(
                                    "sum, %s, %s, accumulate %s, seed %d, at %d: %s, not %s",
                                    what, window, accumulate, Variant.seed(), i, sum, sums[i]);
                        }
                    }
                }
            }
        }

        private int[][] reads() {
            long[] in = window.spatial(inputs.shape()).toArray();
            long[] out = window.spatial(outputs.shape()).toArray();
            List<long[]> elements = places(window.kernel());
            List<long[]> positions = places(List.of(box(out)));
            int[][] reads = new int[elements.size()][positions.size()];
            for (int k = 0; k < reads.length; k++) {
                for (int t = 0; t < positions.size(); t++) {
                    long place = 0;
                    boolean inside = true;
                    for (int axis = 0; axis < in.length; axis++) {
                        long at = positions.get(t)[axis] * window.stride().get(axis)
                                + elements.get(k)[axis] * window.dilation().get(axis)
                                - window.padding().get(axis);
                        inside &= at >= 0 && at < in[axis];
                        place = place * in[axis] + at;
                    }
                    reads[k][t] = inside ? (int) place : -1;
                }
            }
            return reads;
        }

        private static Long[] box(long[] numbers) {
            Long[] boxed = new Long[numbers.length];
            for (int i = 0; i < boxed.length; i++) {
                boxed[i] = numbers[i];
            }
            return boxed;
        }

        /** All indices of a box, the last axis first. */
        private static List<long[]> places(List<Long> sizes) {
            List<long[]> places = new ArrayList<>(List.of(new long[0]));
            for (long size : sizes) {
                List<long[]> longer = new ArrayList<>();
                for (long[] place : places) {
                    for (long i = 0; i < size; i++) {
                        long[] next = Arrays.copyOf(place, place.length + 1);
                        next[place.length] = i;
                        longer.add(next);
                    }
                }
                places = longer;
            }
            return places;
        }

        void check(String what) {
            if (inputs.shape().size(0) == outputs.shape().size(0)) {
                checkSum(what);
            }
            double[] expected = expected();
            try (Backend backend = SINGLE.open();
                    TensorScope scope = backend.openScope()) {
                Tensor destination = Numbers.filled(weight, 1).on(scope, SINGLE);
                var product =
                        new PerSampleConvolution(window, outputs.on(scope, SINGLE), inputs.on(scope, SINGLE), weight);
                var squares = new TileConsumer.SumOfSquares(
                        destination,
                        center.values().length == 0 ? null : center.on(scope, SINGLE),
                        weights.values().length == 0 ? null : weights.on(scope, SINGLE));
                assertThat(DnnlConvolutions.reads(product)).as(what).isLessThanOrEqualTo(2);
                backend.convolutions().contract(product, List.of(squares));
                double[] found = destination.toDoubleArray();
                for (int i = 0; i < found.length; i++) {
                    if (!(Math.abs(found[i] - expected[i]) <= 2e-5 * Math.max(1, Math.abs(expected[i])))) {
                        fail(
                                "%s, %s, seed %d, at %d: %s, not %s",
                                what, window, Variant.seed(), i, found[i], expected[i]);
                    }
                }
            }
        }
    }

    /** @param repeats columns of the cotangents; of the inputs if negative, as with transposed convolutions */
    private static Case of(Random random, Window window, Shape in, long rows, long repeats) {
        Shape inputs = in.with(0, in.size(0) * Math.max(1, -repeats));
        Shape outputs = Shape.of(in.size(0) * Math.max(1, repeats), rows);
        for (int axis = 0; axis < window.axes(); axis++) {
            long reach = in.size(axis + 2) + 2 * window.padding().get(axis) - window.reach(axis);
            outputs = outputs.append(reach / window.stride().get(axis) + 1);
        }
        Shape weight = Shape.of(rows, in.size(1));
        for (long size : window.kernel()) {
            weight = weight.append(size);
        }
        long batch = Math.max(inputs.size(0), outputs.size(0));
        return new Case(
                window,
                Numbers.random(random, SINGLE, inputs),
                Numbers.random(random, SINGLE, outputs),
                Numbers.random(random, SINGLE, random.nextBoolean() ? Shape.of(batch) : Shape.of(0)),
                Numbers.random(random, SINGLE, random.nextBoolean() ? weight : Shape.of(0)),
                weight);
    }

    @Test
    void agreesWithTheDefinitionAtRandom() {
        Random random = Variant.random(1100);
        for (int round = 0; round < 40; round++) {
            int axes = 1 + random.nextInt(3);
            List<Long> kernel = new ArrayList<>();
            List<Long> stride = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            List<Long> dilation = new ArrayList<>();
            Shape in = Shape.of(1 + random.nextInt(4), 64 + random.nextInt(9));
            for (int axis = 0; axis < axes; axis++) {
                kernel.add(3L);
                stride.add(1L + random.nextInt(2));
                dilation.add(1L + random.nextInt(2));
                padding.add(dilation.get(axis));
                in = in.append(1 + random.nextInt(2));
            }
            Window window = new Window(kernel, stride, padding, dilation);
            long rows = (1 << 16) / (in.size(1) * window.elements()) + 1 + random.nextInt(20);
            of(random, window, in, rows, random.nextInt(6) - 2).check("round " + round);
        }
    }

    /** A convolution and its transpose; planes of cotangents and of inputs may have any order before. */
    private static void checkConvolutions(Case it, String what) {
        int channels = (int) it.weight().size(1);
        int rows = (int) it.weight().size(0);
        int[][] reads = it.reads();
        int elements = reads.length;
        long all = Arrays.stream(reads)
                .flatMapToInt(Arrays::stream)
                .filter(read -> read >= 0)
                .count();
        assertThat(all).as(what).isLessThanOrEqualTo(3L * elements);
        int positions = reads[0].length;
        int plane = (int) it.inputs().shape().elements(2, it.inputs().shape().rank());
        Numbers weight = it.center();
        double[] forward = new double[it.outputs().values().length];
        double[] back = new double[it.inputs().values().length];
        for (int n = 0; n < it.inputs().shape().size(0); n++) {
            for (int i = 0; i < weight.values().length; i++) {
                int[] read = reads[i % elements];
                int c = i / elements % channels;
                int o = i / elements / channels;
                for (int t = 0; t < positions; t++) {
                    if (read[t] >= 0) {
                        int in = (n * channels + c) * plane + read[t];
                        int out = (n * rows + o) * positions + t;
                        forward[out] += weight.values()[i] * it.inputs().values()[in];
                        back[in] += weight.values()[i] * it.outputs().values()[out];
                    }
                }
            }
        }
        try (Backend backend = SINGLE.open();
                TensorScope scope = backend.openScope()) {
            Tensor y = scope.allocate(it.outputs().shape(), DType.FLOAT32);
            Tensor x = scope.allocate(it.inputs().shape(), DType.FLOAT32);
            Tensor matrices = weight.on(scope, SINGLE);
            backend.convolutions().convolve(it.window(), it.inputs().on(scope, SINGLE), matrices, null, y);
            backend.convolutions().convolveTransposed(it.window(), it.outputs().on(scope, SINGLE), matrices, null, x);
            new Numbers(y.shape(), forward).assertClose(y, 1e-4, what);
            new Numbers(x.shape(), back).assertClose(x, 1e-4, what + ", transposed");
        }
    }

    @Test
    void convolutions() {
        Random random = Variant.random(1103);
        List<Long> ones = List.of(1L, 1L);
        List<Window> windows = List.of(
                new Window(List.of(3L, 3L), ones, ones, ones),
                new Window(List.of(3L, 3L), List.of(2L, 2L), ones, ones),
                new Window(List.of(2L, 5L), ones, List.of(1L, 4L), List.of(1L, 2L)));
        for (int i = 0; i < windows.size(); i++) {
            Shape in = Shape.of(16 + i, 65, 2, i == 1 ? 4 : 2).with(2, i == 1 ? 4 : 2);
            Case it;
            do {
                it = of(random, windows.get(i), in, 121, 1);
            } while (it.center().values().length == 0);
            checkConvolutions(it, windows.get(i).toString());
        }
    }

    /** Elements that are sums over up to five positions, beside others that read one. */
    @Test
    void manyPositions() {
        Random random = Variant.random(1102);
        Window window = new Window(List.of(13L), List.of(1L), List.of(6L), List.of(1L));
        of(random, window, Shape.of(3, 64, 5), 83, 2).check("many");
    }

    /** More channels than are added at a time, and more tiles than are at hand. */
    @Test
    void longRuns() {
        Random random = Variant.random(1101);
        List<Long> ones = List.of(1L, 1L);
        of(random, new Window(List.of(3L, 3L), ones, ones, ones), Shape.of(67, 530, 2, 2), 19, 1)
                .check("long");
        of(random, new Window(List.of(3L, 3L), List.of(2L, 2L), List.of(2L, 2L), ones), Shape.of(37, 70, 2, 2), 140, 3)
                .check("several columns");
    }
}
