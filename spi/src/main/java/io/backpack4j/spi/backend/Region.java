// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * A regular box of a tensor: per axis a start, a step and a number of elements.
 *
 * @param starts the first index per axis
 * @param steps the distance of neighbours per axis, at least 1
 * @param sizes the number of elements per axis
 */
public record Region(List<Long> starts, List<Long> steps, List<Long> sizes) {

    public Region {
        starts = List.copyOf(starts);
        steps = List.copyOf(steps);
        sizes = List.copyOf(sizes);
    }

    /** All elements of a shape. */
    public static Region all(Shape shape) {
        List<Long> zeros = new ArrayList<>();
        List<Long> ones = new ArrayList<>();
        List<Long> sizes = new ArrayList<>();
        for (int axis = 0; axis < shape.rank(); axis++) {
            zeros.add(0L);
            ones.add(1L);
            sizes.add(shape.size(axis));
        }
        return new Region(zeros, ones, sizes);
    }

    /** Of all rows of a matrix, the columns {@code start}, {@code start + step} and so on, {@code size} of them. */
    public static Region columns(long rows, long start, long step, long size) {
        return new Region(List.of(0L, start), List.of(1L, step), List.of(rows, size));
    }

    /** This region with one axis narrowed to {@code size} neighbours from {@code start} on. */
    public Region with(int axis, long start, long size) {
        return new Region(set(starts, axis, start), set(steps, axis, 1), set(sizes, axis, size));
    }

    /** The shape of the region. */
    public Shape shape() {
        return Shape.of(sizes.stream().mapToLong(Long::longValue).toArray());
    }

    private static List<Long> set(List<Long> values, int index, long value) {
        List<Long> changed = new ArrayList<>(values);
        changed.set(index, value);
        return changed;
    }
}
