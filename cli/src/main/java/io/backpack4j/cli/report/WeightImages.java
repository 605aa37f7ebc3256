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
 * A weight's gradient, and its variance over the samples, as one image per row; of a filter also its numbers.
 *
 * @param parameter the weight's full name
 * @param height rows of pixels
 * @param width columns of pixels
 * @param units the images
 * @param valueLimit the greatest magnitude of the weight, null if it is not shown
 * @param gradientLimit the greatest magnitude of the gradients
 * @param varianceLimit the greatest variance, null if there are none
 */
public record WeightImages(
        String parameter,
        int height,
        int width,
        List<Unit> units,
        @Nullable Double valueLimit,
        double gradientLimit,
        @Nullable Double varianceLimit) {

    /** Rows beyond this one are not shown. */
    public static final int MOST = 16;

    /**
     * One row of the weight.
     *
     * @param label what the row stands for
     * @param value the row itself, null if it is not shown
     * @param gradient the row's gradient
     * @param variance the variance of individual gradients, null if there is none
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Unit(String label, double @Nullable [] value, double[] gradient, double @Nullable [] variance) {}

    public WeightImages {
        units = List.copyOf(units);
    }

    /**
     * Reads the first rows.
     *
     * @param word what a row stands for, such as {@code class}
     * @param value the weight, {@code [rows, *]}, null if it is not to be shown
     * @param gradient of the same shape
     * @param variance of the same shape
     */
    public static WeightImages of(
            PixelWeight weight, String word, @Nullable Tensor value, Tensor gradient, @Nullable Tensor variance) {
        Pixels pixels = weight.size();
        int rows = (int) Math.min(MOST, weight.rows());
        List<Unit> units = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            double[] gradients = Pixels.read(gradient, (long) row * pixels.count(), pixels.count());
            units.add(new Unit(
                    word + " " + row, row(value, row, pixels), Rounding.round(gradients), row(variance, row, pixels)));
        }
        return new WeightImages(
                weight.parameter(),
                pixels.height(),
                pixels.width(),
                units,
                value == null ? null : limit(units.stream().map(Unit::value)),
                limit(units.stream().map(Unit::gradient)),
                variance == null ? null : limit(units.stream().map(Unit::variance)));
    }

    private static double @Nullable [] row(@Nullable Tensor tensor, int row, Pixels pixels) {
        return tensor == null ? null : Rounding.round(Pixels.read(tensor, (long) row * pixels.count(), pixels.count()));
    }

    private static double limit(Stream<double @Nullable []> rows) {
        return rows.filter(Objects::nonNull)
                .flatMapToDouble(Arrays::stream)
                .filter(Double::isFinite)
                .map(Math::abs)
                .max()
                .orElse(0);
    }
}
