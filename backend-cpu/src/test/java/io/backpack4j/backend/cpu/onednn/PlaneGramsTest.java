// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Matrices of windows that are larger than their planes are those of the definition, added or written. */
class PlaneGramsTest {

    private static final List<Long> ONES = List.of(1L, 1L);

    private static void check(Window window, Shape shape, List<Long> outputs, String what) {
        WindowSizes sizes = GramTrials.sizes(window, shape, outputs);
        assertThat(PlaneGrams.fits(sizes, shape.size(1))).isTrue();
        GramTrials.check(window, shape, outputs, what);
    }

    @Test
    void planesOfFourPositions() {
        Window window = new Window(List.of(3L, 3L), ONES, ONES, ONES);
        check(window, Shape.of(33, 130, 2, 2), List.of(2L, 2L), "3 × 3");
    }

    @Test
    void planesOfOnePosition() {
        Window window = new Window(List.of(3L, 3L), ONES, ONES, ONES);
        check(window, Shape.of(5, 115, 1, 1), List.of(1L, 1L), "one position");
    }

    /** Elements share several positions; windows step, and have other sizes than three. */
    @Test
    void steps() {
        Window window = new Window(List.of(4L, 3L), List.of(2L, 1L), List.of(2L, 1L), ONES);
        check(window, Shape.of(7, 90, 2, 2), List.of(2L, 2L), "steps");
        Window wide = new Window(List.of(5L, 5L), ONES, List.of(3L, 2L), ONES);
        check(wide, Shape.of(6, 48, 2, 3), List.of(4L, 3L), "wide");
    }
}
