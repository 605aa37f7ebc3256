// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Sums over inputs beside their neighbours are those of the definition, added or written. */
class NeighbourGramsTest {

    private static final List<Long> ONES = List.of(1L, 1L);

    private static boolean check(List<Long> kernel, List<Long> padding, Shape shape, String what) {
        Window window = new Window(kernel, ONES, padding, ONES);
        List<Long> outputs = GramTrials.outputs(window, shape);
        WindowSizes sizes = GramTrials.sizes(window, shape, outputs);
        if (!NeighbourGrams.fits(sizes, shape.size(1)) || UnfoldedGrams.fits(sizes, shape.size(1))) {
            return false;
        }
        GramTrials.check(window, shape, outputs, what);
        return true;
    }

    @Test
    void agreesWithTheDefinitionAtRandom() {
        Random random = Variant.random(1100);
        int checked = 0;
        for (int round = 0; round < 40; round++) {
            List<Long> kernel = new ArrayList<>();
            List<Long> padding = new ArrayList<>();
            Shape shape = Shape.of(1 + random.nextInt(4), 48 + random.nextInt(3));
            for (int axis = 0; axis < 2; axis++) {
                kernel.add(1L + random.nextInt(3));
                padding.add((long) random.nextInt((int) (long) kernel.get(axis)));
                shape = shape.append(kernel.get(axis) + random.nextInt(6));
            }
            checked += check(kernel, padding, shape, "round " + round) ? 1 : 0;
        }
        assertThat(checked).isGreaterThan(10);
    }

    @Test
    void everyRowOfTheWindowVisitsOtherLines() {
        assertThat(check(List.of(4L, 3L), List.of(0L, 1L), Shape.of(3, 48, 5, 9), "few common lines"))
                .isTrue();
        assertThat(check(List.of(4L, 2L), List.of(3L, 1L), Shape.of(3, 48, 4, 9), "wide padding"))
                .isTrue();
        assertThat(check(List.of(5L, 3L), List.of(0L, 1L), Shape.of(3, 48, 6, 9), "no common line"))
                .isTrue();
    }

    /** More samples than fit into a run. */
    @Test
    void severalRuns() {
        assertThat(check(List.of(1L, 2L), List.of(0L, 1L), Shape.of(26, 48, 39, 40), "runs"))
                .isTrue();
        assertThat(check(List.of(2L, 2L), List.of(1L, 0L), Shape.of(22, 48, 40, 39), "runs of lines"))
                .isTrue();
    }
}
