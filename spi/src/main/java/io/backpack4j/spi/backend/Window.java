// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/**
 * A window that slides over the spatial axes of {@code [N, C, *in]}. At output position t its element k lies at the
 * input position t · stride + k · dilation − padding, axis by axis. Positions outside the input hold nothing: zeros for
 * products, no candidates for maxima.
 *
 * @param kernel elements per axis, at least 1
 * @param stride steps per axis, at least 1
 * @param padding how far the first window begins before the input, per axis, at least 0. How far the last one reaches
 *     behind it follows from the shapes
 * @param dilation distances of neighbouring elements per axis, at least 1; none of the four more than 2²⁹
 */
public record Window(List<Long> kernel, List<Long> stride, List<Long> padding, List<Long> dilation) {

    /** Backends may add two of these numbers in 32 bits. */
    private static final long LARGEST = 1 << 29;

    /**
     * The output positions at which one element of a window lies inside the input, along one axis.
     *
     * @param firstOutput the first of them
     * @param count how many there are; they are neighbours
     * @param firstInput where the element lies at the first of them; the next lie a stride apart
     */
    public record Overlap(long firstOutput, long count, long firstInput) {}

    public Window {
        kernel = List.copyOf(kernel);
        stride = List.copyOf(stride);
        padding = List.copyOf(padding);
        dilation = List.copyOf(dilation);
        int axes = kernel.size();
        if (stride.size() != axes || padding.size() != axes || dilation.size() != axes) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "A window needs one kernel size, stride, padding and dilation per axis, not %s, %s, %s and %s."
                            .formatted(kernel, stride, padding, dilation));
        }
        require(kernel, 1, "kernel size");
        require(stride, 1, "stride");
        require(padding, 0, "padding");
        require(dilation, 1, "dilation");
    }

    private static void require(List<Long> values, long least, String name) {
        for (long value : values) {
            if (value < least) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "The %s of a window is %d, but must be at least %d.".formatted(name, value, least));
            }
            if (value > LARGEST) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "The %s of a window is %d, but must be at most %d.".formatted(name, value, LARGEST));
            }
        }
    }

    /** The number of spatial axes. */
    public int axes() {
        return kernel.size();
    }

    /** The number of elements. */
    public long elements() {
        return kernel.stream().reduce(1L, (a, b) -> a * b);
    }

    /** The length that the window covers along an axis, gaps included. */
    public long reach(int axis) {
        return (kernel.get(axis) - 1) * dilation.get(axis) + 1;
    }

    /** Where element {@code k} of an axis meets the input. */
    public Overlap overlap(int axis, long k, long inputSize, long outputSize) {
        long step = stride.get(axis);
        long shift = k * dilation.get(axis) - padding.get(axis);
        long first = Math.max(0, Math.floorDiv(-shift + step - 1, step));
        long last = Math.min(outputSize - 1, Math.floorDiv(inputSize - 1 - shift, step));
        long count = Math.max(0, last - first + 1);
        return new Overlap(count == 0 ? 0 : first, count, count == 0 ? 0 : first * step + shift);
    }

    /** The spatial axes of a shape {@code [N, C, *]}. */
    public Shape spatial(Shape shape) {
        return shape.slice(shape.rank() - axes(), shape.rank());
    }
}
