// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.Arrays;

/** The sizes of a tensor's axes, row-major, the batch first. Immutable; axes of size zero are allowed. */
public final class Shape {

    private static final Shape SCALAR = new Shape(new long[0]);

    private final long[] sizes;
    private final long elements;

    private Shape(long[] sizes) {
        long product = 1;
        for (long size : sizes) {
            if (size < 0) {
                throw new BackpackException(
                        CommonProblems.INVALID_SHAPE,
                        "A shape has no negative axis, but was given " + Arrays.toString(sizes) + ".");
            }
            try {
                product = Math.multiplyExact(product, size);
            } catch (ArithmeticException e) {
                throw new BackpackException(
                        CommonProblems.INVALID_SHAPE,
                        "Shape " + Arrays.toString(sizes) + " has more elements than can be counted.",
                        e);
            }
        }
        this.sizes = sizes;
        this.elements = product;
    }

    /** Creates a shape; without arguments it is that of a scalar. */
    public static Shape of(long... sizes) {
        return sizes.length == 0 ? SCALAR : new Shape(sizes.clone());
    }

    /** The number of axes. */
    public int rank() {
        return sizes.length;
    }

    /** The size of an axis; a negative axis counts from the end, as in {@code size(-1)}. */
    public long size(int axis) {
        return sizes[axis < 0 ? sizes.length + axis : axis];
    }

    /** The number of elements: the product of all sizes, 1 for a scalar. */
    public long elements() {
        return elements;
    }

    /** The product of the sizes of axes {@code from} (inclusive) to {@code to} (exclusive). */
    public long elements(int from, int to) {
        long product = 1;
        for (int axis = from; axis < to; axis++) {
            product *= sizes[axis];
        }
        return product;
    }

    /** This shape with axes put in front: {@code [3].prepend(2, 5)} is {@code [2, 5, 3]}. */
    public Shape prepend(long... front) {
        long[] joined = Arrays.copyOf(front, front.length + sizes.length);
        System.arraycopy(sizes, 0, joined, front.length, sizes.length);
        return new Shape(joined);
    }

    /** This shape with axes put behind: {@code [3].append(2, 5)} is {@code [3, 2, 5]}. */
    public Shape append(long... back) {
        long[] joined = Arrays.copyOf(sizes, sizes.length + back.length);
        System.arraycopy(back, 0, joined, sizes.length, back.length);
        return new Shape(joined);
    }

    /** The axes from {@code from} on: {@code [2, 5, 3].dropFirst(1)} is {@code [5, 3]}. */
    public Shape dropFirst(int count) {
        return slice(count, sizes.length);
    }

    /** The axes {@code from} (inclusive) to {@code to} (exclusive). */
    public Shape slice(int from, int to) {
        return of(Arrays.copyOfRange(sizes, from, to));
    }

    /** This shape with the size of one axis replaced; a negative axis counts from the end. */
    public Shape with(int axis, long size) {
        long[] changed = sizes.clone();
        changed[axis < 0 ? sizes.length + axis : axis] = size;
        return new Shape(changed);
    }

    /** A copy of the sizes. */
    public long[] toArray() {
        return sizes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(sizes, shape.sizes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(sizes);
    }

    /** As a user writes it: {@code [128, 3, 32, 32]}. */
    @Override
    public String toString() {
        return Arrays.toString(sizes);
    }
}
