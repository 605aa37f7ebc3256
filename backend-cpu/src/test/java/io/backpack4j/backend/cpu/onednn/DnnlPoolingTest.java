// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** oneDNN's maxima are the host's: values, places, and what goes back. */
class DnnlPoolingTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);

    /**
     * What pooling makes.
     *
     * @param maxima under the windows
     * @param indices their places
     * @param back of three columns of cotangents
     */
    private record Outcome(double[] maxima, long[] indices, double[] back) {}

    private static Outcome pool(String kernels, Window window, Numbers x, Shape output, boolean placesFirst) {
        Shape in = x.shape();
        try (Backend backend = Variant.open(kernels);
                TensorScope scope = backend.openScope()) {
            Tensor maxima = Numbers.filled(output, Double.NaN).on(scope, SINGLE);
            Tensor indices = scope.allocate(output, DType.INT64);
            backend.pooling().maximum(window, x.on(scope, SINGLE), maxima, indices);
            Shape columns = output.dropFirst(1).prepend(3 * output.size(0));
            Tensor cotangents =
                    Numbers.random(Variant.random(77), SINGLE, columns).on(scope, SINGLE);
            Tensor back = Numbers.filled(in.dropFirst(1).prepend(3 * in.size(0)), Double.NaN)
                    .on(scope, SINGLE);
            long[] read = placesFirst ? indices.toLongArray() : new long[0];
            backend.pooling().scatter(indices, cotangents, back);
            return new Outcome(
                    maxima.toDoubleArray(), placesFirst ? read : indices.toLongArray(), back.toDoubleArray());
        }
    }

    /**
     * Whether places are read before they are used or after makes a difference to how they lie, and to nothing else.
     */
    private static void assertSame(Window window, Numbers x, Shape output, String what) {
        Outcome expected = pool("nd4j", window, x, output, true);
        for (boolean placesFirst : new boolean[] {false, true}) {
            Outcome actual = pool("onednn", window, x, output, placesFirst);
            assertThat(actual.maxima()).as(what).containsExactly(expected.maxima());
            assertThat(actual.indices()).as(what).containsExactly(expected.indices());
            assertThat(actual.back())
                    .as(what)
                    .usingComparatorWithPrecision(1e-5)
                    .containsExactly(expected.back());
        }
    }

    @Test
    void agreesWithTheHostAtRandom() {
        Random random = Variant.random(71);
        for (int round = 0; round < 120; round++) {
            int axes = 1 + random.nextInt(3);
            List<Long> kernel = new ArrayList<>();
            List<Long> stride = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            List<Long> dilation = new ArrayList<>();
            Shape in = Shape.of(1 + random.nextInt(3), List.of(1, 2, 3, 8, 17).get(random.nextInt(5)));
            Shape out = in;
            for (int axis = 0; axis < axes; axis++) {
                long size = 5L + random.nextInt(5);
                kernel.add(1L + random.nextInt(axes == 1 ? 5 : 3));
                stride.add(1L + random.nextInt(3));
                padding.add((long) random.nextInt((int) (kernel.get(axis) / 2) + 1));
                dilation.add(kernel.get(axis) < 3 ? 1L + random.nextInt(2) : 1);
                long reach = (kernel.get(axis) - 1) * dilation.get(axis) + 1;
                long outputs = (size + 2 * padding.get(axis) - reach) / stride.get(axis) + 1;
                in = in.append(size);
                out = out.append(outputs);
            }
            Numbers x = Numbers.random(random, SINGLE, in);
            int kind = random.nextInt(4);
            for (int i = 0; i < x.values().length; i++) {
                boolean rarely = random.nextInt(20) == 0;
                x.values()[i] = switch (kind) {
                    case 0 -> x.values()[i];
                    case 1 -> random.nextInt(3) - 1;
                    case 2 -> rarely ? Double.NaN : x.values()[i];
                    default -> rarely ? Double.NEGATIVE_INFINITY : -Math.abs(x.values()[i]);
                };
            }
            Window window = new Window(kernel, stride, padding, dilation);
            assertSame(window, x, out, "round %d, kind %d: %s over %s".formatted(round, kind, window, in));
        }
    }

    @Test
    void windowsOfManyElementsAreNumberedInMoreThanAByte() {
        Random random = Variant.random(72);
        Numbers x = Numbers.random(random, SINGLE, Shape.of(2, 5, 40, 40));
        Window window = new Window(List.of(20L, 20L), List.of(10L, 10L), List.of(0L, 0L), List.of(1L, 1L));
        assertSame(window, x, Shape.of(2, 5, 3, 3), "a window of 400");
    }

    @Test
    void theFirstOfEqualOnesCounts() {
        for (long channels : new long[] {1, 16}) {
            Numbers zeros = Numbers.filled(Shape.of(2, channels, 6, 6), 0);
            Window window = new Window(List.of(3L, 3L), List.of(2L, 2L), List.of(1L, 1L), List.of(1L, 1L));
            Outcome outcome = pool("onednn", window, zeros, Shape.of(2, channels, 3, 3), true);
            for (int i = 0; i < outcome.indices().length; i += 9) {
                long[] plane = java.util.Arrays.copyOfRange(outcome.indices(), i, i + 9);
                assertThat(plane).containsExactly(0, 1, 3, 6, 7, 9, 18, 19, 21);
            }
        }
    }
}
