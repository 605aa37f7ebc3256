// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Sums by shifts are those of unfolded inputs, by definition. */
class ShiftedGramsTest {

    private static void check(Window window, Shape shape, String what) {
        assertThat(ShiftedGrams.fits(window, shape.size(0), shape.size(1))).isTrue();
        GramTrials.check(window, shape, GramTrials.outputs(window, shape), what);
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
            check(window, shape, "round " + round);
        }
    }

    @Test
    void windowsAsWideAsTheInput() {
        Window window = new Window(List.of(4L, 3L), List.of(1L, 1L), List.of(0L, 1L), List.of(1L, 1L));
        check(window, Shape.of(16, 48, 4, 3), "wide");
    }

    /** As many samples that windows that move by one are its own, too. */
    @Test
    void longColumns() {
        Window window = new Window(List.of(3L, 2L), List.of(1L, 1L), List.of(1L, 1L), List.of(1L, 1L));
        Shape shape = Shape.of(205, 48, 5, 3);
        assertThat(ShiftedGrams.isLong(GramTrials.sizes(window, shape, GramTrials.outputs(window, shape))))
                .isTrue();
        check(window, shape, "long columns");
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
