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
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Large matrices of few windows are those of the definition, added or written. */
class UnfoldedGramsTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);
    private static final List<Long> ONES = List.of(1L, 1L);

    private static void check(Window window, Shape shape, List<Long> outputs, String what) {
        Numbers x = Numbers.random(Variant.random(what.hashCode()), SINGLE, shape);
        long length = shape.size(1) * window.elements();
        double[] expected = ShiftedGramsTest.expected(window, x, outputs, 0.5);
        double largest = Arrays.stream(expected).max().orElse(0);
        WindowSizes sizes = WindowSizes.of(
                window, shape.size(0), shape, Shape.of(shape.size(0), 1, outputs.get(0), outputs.get(1)));
        assertThat(UnfoldedGrams.fits(sizes, shape.size(1))).isTrue();
        assertThat(PlaneGrams.fits(sizes, shape.size(1))).isFalse();
        try (Backend backend = SINGLE.open();
                TensorScope scope = backend.openScope()) {
            Tensor inputs = x.on(scope, SINGLE);
            for (boolean accumulate : new boolean[] {true, false}) {
                double before = accumulate ? 1 : 0;
                Tensor destination =
                        Numbers.filled(Shape.of(1, length, length), 1).on(scope, SINGLE);
                backend.convolutions().inputGram(window, inputs, outputs, false, 0.5, accumulate, destination);
                double[] found = destination.toDoubleArray();
                for (int i = 0; i < found.length; i++) {
                    if (!(Math.abs(found[i] - before - expected[i]) <= 3e-6 * Math.max(1, largest))) {
                        fail(
                                "%s, accumulate %s, seed %d, at (%d, %d): %s, not %s",
                                what,
                                accumulate,
                                Variant.seed(),
                                i / length,
                                i % length,
                                found[i] - before,
                                expected[i]);
                    }
                }
            }
        }
    }

    @Test
    void padding() {
        Window window = new Window(List.of(3L, 3L), ONES, ONES, ONES);
        check(window, Shape.of(27, 130, 3, 3), List.of(3L, 3L), "3 × 3");
    }

    @Test
    void steps() {
        Window window = new Window(List.of(3L, 2L), List.of(2L, 3L), List.of(1L, 0L), ONES);
        check(window, Shape.of(32, 174, 4, 5), List.of(2L, 2L), "steps");
    }

    /** Rows in twice as many panels. */
    @Test
    void longVectors() {
        Window window = new Window(List.of(3L, 3L), ONES, ONES, ONES);
        check(window, Shape.of(16, 229, 2, 4), List.of(2L, 4L), "long");
    }
}
