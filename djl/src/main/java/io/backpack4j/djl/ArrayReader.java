// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/** Reads DJL's arrays, whose numbers come row-major and as copies, from whatever device. */
final class ArrayReader {

    private ArrayReader() {}

    static Shape shape(NDArray array) {
        return Shape.of(array.getShape().getShape());
    }

    /** Whether it holds integers of a width that indices have. */
    static boolean isInteger(NDArray array) {
        return array.getDataType() == DataType.INT32 || array.getDataType() == DataType.INT64;
    }

    /** Copies real numbers into a tensor of as many elements. */
    static void copy(NDArray array, Tensor target, String what) {
        if (array.getDataType() == DataType.FLOAT32) {
            float[] values = array.toFloatArray();
            target.write(0, values, 0, values.length);
        } else {
            double[] values = reals(array, what);
            target.write(0, values, 0, values.length);
        }
    }

    /**
     * Reads real numbers.
     *
     * @param what it is, for messages
     */
    static double[] reals(NDArray array, String what) {
        if (array.getDataType() == DataType.FLOAT64) {
            return array.toDoubleArray();
        }
        if (array.getDataType() != DataType.FLOAT32) {
            throw unreadable(array, what);
        }
        float[] values = array.toFloatArray();
        double[] reals = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            reals[i] = values[i];
        }
        return reals;
    }

    /**
     * Reads whole numbers, which DJL's data sets often hold as real ones.
     *
     * @param what it is, for messages
     * @throws BackpackException if one is not whole
     */
    static long[] integers(NDArray array, String what) {
        if (array.getDataType() == DataType.INT64) {
            return array.toLongArray();
        }
        if (array.getDataType() == DataType.INT32) {
            int[] values = array.toIntArray();
            long[] integers = new long[values.length];
            for (int i = 0; i < values.length; i++) {
                integers[i] = values[i];
            }
            return integers;
        }
        double[] values = reals(array, what);
        long[] integers = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            integers[i] = (long) values[i];
            if (integers[i] != values[i]) {
                throw new BackpackException(
                        DjlProblems.UNREADABLE_BATCH,
                        "%s should hold indices, but element %d is %s. Give whole numbers, or the model a loss or a layer that takes real ones."
                                .formatted(what, i, values[i]));
            }
        }
        return integers;
    }

    private static BackpackException unreadable(NDArray array, String what) {
        return new BackpackException(
                DjlProblems.UNREADABLE_BATCH,
                "%s has type %s. Possible: float32, float64, and int32 and int64 of inputs and labels. Convert it with NDArray.toType."
                        .formatted(what, array.getDataType()));
    }
}
