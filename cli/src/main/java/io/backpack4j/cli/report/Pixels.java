// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * The size of grey images.
 *
 * @param height rows of pixels
 * @param width columns of pixels
 */
public record Pixels(int height, int width) {

    private static final int LARGEST = 64;
    private static final int GREY_LEVELS = 255;

    /**
     * The size of samples of a shape: {@code [H, W]}, {@code [1, H, W]}, or {@code [H * H]}; empty if they are no small
     * grey images.
     */
    public static Optional<Pixels> of(Shape sample) {
        long height;
        long width;
        if (sample.rank() == 1) {
            height = Math.round(Math.sqrt(sample.size(0)));
            width = height;
        } else if (sample.rank() > 1) {
            height = sample.size(-2);
            width = sample.size(-1);
        } else {
            return Optional.empty();
        }
        boolean fits = height * width == sample.elements() && Math.min(height, width) > 1;
        return fits && Math.max(height, width) <= LARGEST
                ? Optional.of(new Pixels((int) height, (int) width))
                : Optional.empty();
    }

    /** The number of pixels. */
    public int count() {
        return height * width;
    }

    /** The pixels of one sample of a batch as grey levels, from black for its least to white for its greatest. */
    int[] sample(Tensor inputs, long index) {
        double[] values = read(inputs, index * count(), count());
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        for (double value : values) {
            min = Math.min(min, value);
            max = Math.max(max, value);
        }
        int[] grey = new int[values.length];
        for (int i = 0; i < grey.length; i++) {
            grey[i] = max > min ? (int) Math.round((values[i] - min) / (max - min) * GREY_LEVELS) : 0;
        }
        return grey;
    }

    /** A range of a tensor's elements, whatever their type. */
    static double[] read(Tensor tensor, long from, int count) {
        double[] values = new double[count];
        if (tensor.dtype() == DType.INT64) {
            long[] integers = new long[count];
            tensor.read(from, integers, 0, count);
            for (int i = 0; i < count; i++) {
                values[i] = integers[i];
            }
        } else {
            tensor.read(from, values, 0, count);
        }
        return values;
    }
}
