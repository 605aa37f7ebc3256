// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Numbers;
import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Sums over inputs beside their neighbours are those of the definition, added or written. */
class NeighbourGramsTest {

    private static final Variant SINGLE = new Variant("onednn", DType.FLOAT32);
    private static final List<Long> ONES = List.of(1L, 1L);

    private static boolean check(List<Long> kernel, List<Long> padding, Shape shape, String what) {
        return check(kernel, padding, Numbers.random(Variant.random(what.hashCode()), SINGLE, shape), what);
    }

    /** Whatever the backend would take for inputs of that size. */
    private static boolean check(List<Long> kernel, List<Long> padding, Numbers x, String what) {
        Window window = new Window(kernel, ONES, padding, ONES);
        Shape shape = x.shape();
        List<Long> outputs = GramTrials.outputs(window, shape);
        WindowSizes sizes = GramTrials.sizes(window, shape, outputs);
        if (!NeighbourGrams.fits(sizes, shape.size(1))) {
            return false;
        }
        GramTrials.check(window, x, outputs, what, (backend, scope, inputs, accumulate, destination) -> {
            var own = (NativeBackend) backend;
            try (var contexts = new DnnlContexts(own.pool(), Variant.THREADS)) {
                Tensor planes = channelsLast(inputs).on(scope, SINGLE);
                boolean made = new NeighbourGrams(own, contexts)
                        .add(sizes, shape.size(1), own.own(planes).address(), 0.5, accumulate, own.own(destination));
                assertThat(made).isTrue();
            }
        });
        return true;
    }

    private static Numbers channelsLast(Numbers x) {
        int channels = (int) x.shape().size(1);
        int plane = (int) x.shape().elements(2, 4);
        double[] values = new double[x.values().length];
        for (int i = 0; i < values.length; i++) {
            int channel = i / plane % channels;
            values[(i / plane / channels * plane + i % plane) * channels + channel] = x.values()[i];
        }
        return new Numbers(x.shape(), values);
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

    /** What is taken away leaves its rounding errors; what only some elements visit is added to their blocks. */
    @Test
    void smallNumbersBesideLargeEdges() {
        Numbers x = Numbers.random(Variant.random(1101), SINGLE, Shape.of(4, 48, 7, 9));
        for (int i = 0; i < x.values().length; i++) {
            x.values()[i] *= i % 9 == 8 || i / 9 % 7 == 6 ? 4096 : 1;
        }
        assertThat(check(List.of(3L, 3L), ONES, x, "edges")).isTrue();
        assertThat(check(List.of(3L, 3L), List.of(0L, 0L), x, "inside")).isTrue();
    }

    /** More samples than fit into a run. */
    @Test
    void severalRuns() {
        assertThat(check(List.of(1L, 2L), List.of(0L, 1L), Shape.of(26, 48, 39, 40), "runs"))
                .isTrue();
        assertThat(check(List.of(2L, 2L), List.of(1L, 0L), Shape.of(22, 48, 40, 39), "runs of lines"))
                .isTrue();
    }

    /** The backend takes them where they are made for. */
    @Test
    void areTheBackendsOwn() {
        Window window = new Window(List.of(2L, 2L), ONES, List.of(1L, 1L), ONES);
        Shape shape = Shape.of(13, 48, 24, 24);
        List<Long> outputs = GramTrials.outputs(window, shape);
        WindowSizes sizes = GramTrials.sizes(window, shape, outputs);
        assertThat(NeighbourGrams.fits(sizes, 48) && NeighbourGrams.pays(sizes, 48) && !UnfoldedGrams.fits(sizes, 48))
                .isTrue();
        GramTrials.check(window, shape, outputs, "backend");
    }
}
