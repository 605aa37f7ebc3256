// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/** Requires that given numbers are finite in the type in which they will be kept. */
final class Finite {

    private Finite() {}

    /** The index of the first number that is not finite, −1 if all are. */
    static int firstOther(double[] values, DType dtype) {
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(dtype == DType.FLOAT32 ? (float) values[i] : values[i])) {
                return i;
            }
        }
        return -1;
    }

    /** The index of the first number that is not finite, −1 if all are. */
    static int firstOther(float[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                return i;
            }
        }
        return -1;
    }

    /** Reports the number at an index, unless that is −1. */
    static void report(
            Problems problems, String what, Shape shape, DType dtype, int index, IntToDoubleFunction values) {
        if (index >= 0) {
            problems.add(
                    CommonProblems.NOT_FINITE,
                    "%s is %s at position %s, but must be a finite number in %s."
                            .formatted(what, values.applyAsDouble(index), position(shape, index), dtype));
        }
    }

    /**
     * Requires that all numbers are finite.
     *
     * @throws BackpackException naming the first that is not
     */
    static void require(String what, Shape shape, DType dtype, double[] values) {
        Problems problems = new Problems();
        report(problems, what, shape, dtype, firstOther(values, dtype), i -> values[i]);
        problems.throwIfAny();
    }

    private static String position(Shape shape, long element) {
        long[] position = new long[shape.rank()];
        long rest = element;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            position[axis] = rest % shape.size(axis);
            rest /= shape.size(axis);
        }
        return Arrays.toString(position);
    }
}
