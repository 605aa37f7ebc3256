package io.backpack4j.cli.report;

import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A weight's gradient, and its variance over the samples, as one image per row.
 *
 * @param parameter the weight's full name
 * @param height rows of pixels
 * @param width columns of pixels
 * @param units the images
 * @param gradientLimit the greatest magnitude of the gradients
 * @param varianceLimit the greatest variance, null if there are none
 */
public record WeightImages(
        String parameter,
        int height,
        int width,
        List<Unit> units,
        double gradientLimit,
        @Nullable Double varianceLimit) {

    /** Rows beyond this one are not shown. */
    public static final int MOST = 16;

    /**
     * One row of the weight.
     *
     * @param label what the row stands for
     * @param gradient the row's gradient
     * @param variance the variance of individual gradients, null if there is none
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Unit(String label, double[] gradient, double @Nullable [] variance) {}

    public WeightImages {
        units = List.copyOf(units);
    }

    /**
     * Reads the first rows.
     *
     * @param word what a row stands for, such as {@code class}
     * @param gradient of the weight, {@code [rows, pixels]}
     * @param variance of the same shape
     */
    public static WeightImages of(
            String parameter, String word, Pixels pixels, Tensor gradient, @Nullable Tensor variance) {
        int rows = (int) Math.min(MOST, gradient.shape().size(0));
        List<Unit> units = new ArrayList<>();
        double gradientLimit = 0;
        double varianceLimit = 0;
        for (int row = 0; row < rows; row++) {
            long from = (long) row * pixels.count();
            double[] gradients = Pixels.read(gradient, from, pixels.count());
            gradientLimit = Math.max(gradientLimit, limit(gradients));
            double[] variances = null;
            if (variance != null) {
                variances = Rounding.round(Pixels.read(variance, from, pixels.count()));
                varianceLimit = Math.max(varianceLimit, limit(variances));
            }
            units.add(new Unit(word + " " + row, Rounding.round(gradients), variances));
        }
        return new WeightImages(
                parameter,
                pixels.height(),
                pixels.width(),
                units,
                Rounding.round(gradientLimit),
                variance == null ? null : Rounding.round(varianceLimit));
    }

    private static double limit(double[] values) {
        double limit = 0;
        for (double value : values) {
            if (Double.isFinite(value)) {
                limit = Math.max(limit, Math.abs(value));
            }
        }
        return limit;
    }
}
