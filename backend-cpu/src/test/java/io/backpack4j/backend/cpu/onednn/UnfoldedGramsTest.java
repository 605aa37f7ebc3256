// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Large matrices of few windows are those of the definition, added or written. */
class UnfoldedGramsTest {

    private static final List<Long> ONES = List.of(1L, 1L);

    private static void check(Window window, Shape shape, List<Long> outputs, String what) {
        WindowSizes sizes = GramTrials.sizes(window, shape, outputs);
        assertThat(UnfoldedGrams.fits(sizes, shape.size(1))).isTrue();
        assertThat(PlaneGrams.fits(sizes, shape.size(1))).isFalse();
        GramTrials.check(window, shape, outputs, what);
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

    /** Many windows that step are unfolded some samples at a time; the last run has fewer. */
    @Test
    void manyWindows() {
        Window window = new Window(List.of(3L, 3L), List.of(2L, 2L), ONES, ONES);
        checkMany(window, Shape.of(7, 20, 33, 31), "many");
        Window dilated = new Window(List.of(2L, 3L), ONES, ONES, List.of(2L, 1L));
        checkMany(dilated, Shape.of(5, 16, 19, 20), "dilated");
        Window colours = new Window(List.of(7L, 7L), List.of(2L, 2L), List.of(3L, 3L), ONES);
        checkMany(colours, Shape.of(8, 3, 64, 64), "colours");
        Window volume = new Window(List.of(2L, 2L, 3L), List.of(1L, 2L, 1L), List.of(0L, 1L, 1L), List.of(1L, 1L, 1L));
        checkMany(volume, Shape.of(3, 12, 6, 9, 8), "volume");
        Window line = new Window(List.of(5L), List.of(2L), List.of(2L), List.of(1L));
        checkMany(line, Shape.of(8, 24, 203), "line");
    }

    private static void checkMany(Window window, Shape shape, String what) {
        List<Long> outputs = GramTrials.outputs(window, shape);
        WindowSizes sizes = GramTrials.sizes(window, shape, outputs);
        assertThat(UnfoldedGrams.isWorthIt(sizes, shape.size(1))).isTrue();
        GramTrials.check(window, shape, outputs, what);
    }
}
