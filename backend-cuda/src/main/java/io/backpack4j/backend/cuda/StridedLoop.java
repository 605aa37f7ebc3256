// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A loop over axes, with two operands that step through memory in their own ways. Neighbouring axes that both operands
 * walk through as one are made one, and axes of size one vanish.
 *
 * @param sizes the axes, at least one
 * @param first the first operand's strides
 * @param second the second operand's strides
 */
record StridedLoop(long[] sizes, long[] first, long[] second) {

    /** The most axes that kernels know. */
    static final int MAX_RANK = 16;

    /** Makes the loop as short as it gets. */
    static StridedLoop of(long[] sizes, long[] first, long[] second) {
        List<long[]> axes = new ArrayList<>();
        for (int axis = 0; axis < sizes.length; axis++) {
            if (sizes[axis] == 1) {
                continue;
            }
            long[] last = axes.isEmpty() ? null : axes.get(axes.size() - 1);
            if (last != null && last[1] == first[axis] * sizes[axis] && last[2] == second[axis] * sizes[axis]) {
                last[0] *= sizes[axis];
                last[1] = first[axis];
                last[2] = second[axis];
            } else {
                axes.add(new long[] {sizes[axis], first[axis], second[axis]});
            }
        }
        if (axes.isEmpty()) {
            axes.add(new long[] {1, 0, 0});
        }
        if (axes.size() > MAX_RANK) {
            throw new BackpackException(
                    CudaProblems.TOO_MANY_AXES,
                    "The CUDA backend handles %d axes at once, but %d do not merge in shape %s. Merge axes with a view."
                            .formatted(MAX_RANK, axes.size(), Arrays.toString(sizes)));
        }
        return new StridedLoop(column(axes, 0), column(axes, 1), column(axes, 2));
    }

    private static long[] column(List<long[]> axes, int column) {
        return axes.stream().mapToLong(axis -> axis[column]).toArray();
    }

    int rank() {
        return sizes.length;
    }

    /** Distances between neighbours of each axis, row-major. */
    static long[] strides(Shape shape) {
        long[] strides = new long[shape.rank()];
        long stride = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= shape.size(axis);
        }
        return strides;
    }

    /** Strides by which {@code shape} is walked through as if it were {@code stretched}. */
    static long[] stretched(Shape shape, Shape stretched) {
        long[] own = strides(shape);
        long[] strides = new long[stretched.rank()];
        int missing = stretched.rank() - shape.rank();
        for (int axis = 0; axis < shape.rank(); axis++) {
            strides[missing + axis] = shape.size(axis) == 1 ? 0 : own[axis];
        }
        return strides;
    }
}
