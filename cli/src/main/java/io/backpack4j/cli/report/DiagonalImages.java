// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The diagonal of a weight's curvature as one image per row: exact, estimated, or both, on one scale.
 *
 * @param parameter the weight's full name
 * @param height rows of pixels
 * @param width columns of pixels
 * @param units the images
 * @param limit the greatest number of all
 */
public record DiagonalImages(String parameter, int height, int width, List<Unit> units, double limit) {

    /**
     * One row of the weight.
     *
     * @param label what the row stands for
     * @param exact the diagonal, null if it was not computed
     * @param estimate a Monte-Carlo estimate of it, null if it was not computed
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Unit(String label, double @Nullable [] exact, double @Nullable [] estimate) {}

    public DiagonalImages {
        units = List.copyOf(units);
    }

    /**
     * Reads the first rows.
     *
     * @param word what a row stands for, such as {@code class}
     */
    public static DiagonalImages of(
            PixelWeight weight, String word, @Nullable Tensor exact, @Nullable Tensor estimate) {
        List<Unit> units = new ArrayList<>();
        for (int row = 0; row < Math.min(WeightImages.MOST, weight.rows()); row++) {
            units.add(new Unit(word + " " + row, row(exact, row, weight.size()), row(estimate, row, weight.size())));
        }
        double limit = units.stream()
                .flatMap(unit -> Stream.of(unit.exact(), unit.estimate()))
                .filter(Objects::nonNull)
                .flatMapToDouble(Arrays::stream)
                .filter(Double::isFinite)
                .max()
                .orElse(0);
        return new DiagonalImages(
                weight.parameter(), weight.size().height(), weight.size().width(), units, limit);
    }

    private static double @Nullable [] row(@Nullable Tensor tensor, int row, Pixels size) {
        return tensor == null ? null : Rounding.round(Pixels.read(tensor, (long) row * size.count(), size.count()));
    }
}
