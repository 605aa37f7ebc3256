// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import io.backpack4j.spi.tensor.Shape;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/**
 * A small picture of a sample, from black for its least number to full brightness for its greatest.
 *
 * @param height rows of pixels
 * @param width columns of pixels
 * @param channels 1 for grey, 3 for red, green and blue
 * @param levels from 0 to 255, pixel by pixel, the channels of one beside each other
 */
@SuppressWarnings("ArrayRecordComponent")
public record SamplePicture(int height, int width, int channels, int[] levels) {

    private static final int LARGEST = 64;
    private static final int BRIGHTEST = 255;
    private static final int COLOURS = 3;
    private static final int AXES = 3;

    /**
     * The picture of numbers {@code [1, H, W]} or {@code [3, H, W]}, or {@code [H, W]}; of pictures of more than 64
     * pixels a side, every second pixel, or every third, …; empty for other shapes.
     *
     * @param numbers by their places in the sample
     */
    public static Optional<SamplePicture> of(Shape sample, IntToDoubleFunction numbers) {
        Shape shape = sample.rank() == 2 ? sample.prepend(1) : sample;
        if (!isPicture(shape)) {
            return Optional.empty();
        }
        int channels = (int) shape.size(0);
        int rows = Math.toIntExact(shape.size(1));
        int columns = Math.toIntExact(shape.size(2));
        int step = (Math.max(rows, columns) + LARGEST - 1) / LARGEST;
        int height = (rows + step - 1) / step;
        int width = (columns + step - 1) / step;
        double[] values = new double[height * width * channels];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < channels; c++) {
                    int place = (c * rows + y * step) * columns + x * step;
                    values[(y * width + x) * channels + c] = numbers.applyAsDouble(place);
                }
            }
        }
        return Optional.of(new SamplePicture(height, width, channels, levels(values)));
    }

    private static boolean isPicture(Shape shape) {
        return shape.rank() == AXES
                && (shape.size(0) == 1 || shape.size(0) == COLOURS)
                && Math.min(shape.size(1), shape.size(2)) > 1;
    }

    private static int[] levels(double[] values) {
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        for (double value : values) {
            min = Math.min(min, value);
            max = Math.max(max, value);
        }
        int[] levels = new int[values.length];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = max > min ? (int) Math.round((values[i] - min) / (max - min) * BRIGHTEST) : 0;
        }
        return levels;
    }
}
