// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
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

/** Sums by shifts are those of unfolded inputs, by definition. */
class ShiftedGramsTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    /** By definition, in double precision. */
    static double[] expected(Window window, Numbers x, List<Long> outputs, double scale) {
        int channels = (int) x.shape().size(1);
        int elements = (int) window.elements();
        int length = channels * elements;
        double[] sums = new double[length * length];
        Shape spatial = window.spatial(x.shape());
        long positions = outputs.stream().reduce(1L, (a, b) -> a * b);
        int plane = (int) spatial.elements();
        double[] unfolded = new double[length];
        for (int n = 0; n < x.shape().size(0); n++) {
            for (long t = 0; t < positions; t++) {
                for (int k = 0; k < elements; k++) {
                    long place = place(window, spatial, outputs, t, k);
                    for (int c = 0; c < channels; c++) {
                        unfolded[c * elements + k] =
                                place < 0 ? 0 : x.values()[(n * channels + c) * plane + (int) place];
                    }
                }
                for (int i = 0; i < length; i++) {
                    for (int j = 0; j < length && unfolded[i] != 0; j++) {
                        sums[i * length + j] += scale * unfolded[i] * unfolded[j];
                    }
                }
            }
        }
        return sums;
    }

    private static long place(Window window, Shape spatial, List<Long> outputs, long t, long k) {
        long place = 0;
        long below = 1;
        for (int axis = window.axes() - 1; axis >= 0; axis--) {
            long at = t % outputs.get(axis) * window.stride().get(axis)
                    + k % window.kernel().get(axis)
                    - window.padding().get(axis);
            if (at < 0 || at >= spatial.size(axis)) {
                return -1;
            }
            t /= outputs.get(axis);
            k /= window.kernel().get(axis);
            place += at * below;
            below *= spatial.size(axis);
        }
        return place;
    }

    private static void check(Window window, Shape shape, Random random, String what) {
        List<Long> outputs = new ArrayList<>();
        for (int axis = 0; axis < window.axes(); axis++) {
            long reach = shape.size(axis + 2) + 2 * window.padding().get(axis) - window.reach(axis);
            outputs.add(reach / window.stride().get(axis) + 1);
        }
        Numbers x = Numbers.random(random, SINGLE, shape);
        long length = shape.size(1) * window.elements();
        double[] expected = expected(window, x, outputs, 0.5);
        double largest = Arrays.stream(expected).max().orElse(0);
        try (Backend backend = SINGLE.open();
                TensorScope scope = backend.openScope()) {
            assertThat(ShiftedGrams.fits(window, shape.size(0), shape.size(1))).isTrue();
            for (boolean accumulate : new boolean[] {true, false}) {
                double before = accumulate ? 1 : 0;
                Tensor destination =
                        Numbers.filled(Shape.of(1, length, length), 1).on(scope, SINGLE);
                backend.convolutions()
                        .inputGram(window, x.on(scope, SINGLE), outputs, false, 0.5, accumulate, destination);
                double[] found = destination.toDoubleArray();
                for (int i = 0; i < found.length; i++) {
                    double sum = found[i] - before;
                    if (!(Math.abs(sum - expected[i]) <= 3e-6 * Math.max(1, largest))) {
                        fail(
                                "%s, accumulate %s, %s of %s, seed %d, at (%d, %d): %s, not %s",
                                what,
                                accumulate,
                                window,
                                shape,
                                Variant.seed(),
                                i / length,
                                i % length,
                                sum,
                                expected[i]);
                    }
                }
            }
        }
    }

    @Test
    void agreesWithTheDefinitionAtRandom() {
        Random random = Variant.random(900);
        for (int round = 0; round < 24; round++) {
            int axes = round % 4 == 3 ? 3 : 2;
            List<Long> kernel = new ArrayList<>();
            List<Long> stride = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            Shape shape = Shape.of(16 + random.nextInt(3), 48 + random.nextInt(3));
            for (int axis = 0; axis < axes; axis++) {
                kernel.add(1L + random.nextInt(axes == 2 ? 3 : 2));
                stride.add(1L + random.nextInt(3));
                padding.add((long) random.nextInt((int) (long) kernel.get(axis)));
                shape = shape.append(kernel.get(axis) + random.nextInt(axes == 2 ? 4 : 2));
            }
            Window window = new Window(kernel, stride, padding, Collections.nCopies(axes, 1L));
            check(window, shape, random, "round " + round);
        }
    }

    @Test
    void windowsAsWideAsTheInput() {
        Window window = new Window(List.of(4L, 3L), List.of(1L, 1L), List.of(0L, 1L), List.of(1L, 1L));
        check(window, Shape.of(16, 48, 4, 3), Variant.random(901), "wide");
    }

    @Test
    void classesAreWhatElementsVisit() {
        Window window = new Window(List.of(3L), List.of(2L), List.of(1L), List.of(1L));
        WindowSizes sizes = WindowSizes.of(window, 1, Shape.of(1, 1, 7), Shape.of(1, 1, 4));
        var classes = new WindowClasses(sizes, 0);
        assertThat(classes.order()).containsExactly(0, 2, 4, 6, 1, 3, 5);
        // even positions are the middle of a window, odd ones the end of one and the start of the next
        assertThat(classes.count()).isEqualTo(2);
        assertThat(classes.positions(0)).containsExactly(0, 2, 4, 6);
        assertThat(classes.shifts(0)).containsExactly(-1, 0, 1);
        assertThat(classes.positions(1)).containsExactly(1, 3, 5);
        assertThat(classes.shifts(1)).containsExactly(-2, -1, 0, 1, 2);
        assertThat(classes.runs(1, 2)).containsExactly(new WindowClasses.Run(4, 5, 2));
        assertThat(classes.runs(0, 1)).containsExactly(new WindowClasses.Run(0, 4, 3));
    }
}
