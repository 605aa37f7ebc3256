// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.tensor.Shape;

/** Row-major arithmetic of positions. */
final class Positions {

    private Positions() {}

    /** The index per axis of a row-major position. */
    static int[] indices(Shape shape, int position) {
        int[] indices = new int[shape.rank()];
        int rest = position;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            int size = (int) shape.size(axis);
            indices[axis] = rest % size;
            rest /= size;
        }
        return indices;
    }

    /** The row-major position of an index per axis. */
    static int position(Shape shape, int[] indices) {
        int position = 0;
        for (int axis = 0; axis < shape.rank(); axis++) {
            position = position * (int) shape.size(axis) + indices[axis];
        }
        return position;
    }

    /**
     * The position in a stretched tensor: axes are aligned at the last, axes of size one and missing ones count as
     * index 0.
     */
    static int stretched(Shape shape, int[] indices) {
        int position = 0;
        int missing = indices.length - shape.rank();
        for (int axis = 0; axis < shape.rank(); axis++) {
            int size = (int) shape.size(axis);
            position = position * size + (size == 1 ? 0 : indices[missing + axis]);
        }
        return position;
    }

    /** The shape to which two shapes stretch. */
    static Shape common(Shape a, Shape b) {
        int rank = Math.max(a.rank(), b.rank());
        long[] sizes = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            long left = axis < rank - a.rank() ? 1 : a.size(axis - rank + a.rank());
            long right = axis < rank - b.rank() ? 1 : b.size(axis - rank + b.rank());
            HeapChecks.require(left == right || left == 1 || right == 1, "Shapes %s and %s do not stretch", a, b);
            sizes[axis] = left == 1 ? right : left;
        }
        return Shape.of(sizes);
    }
}
