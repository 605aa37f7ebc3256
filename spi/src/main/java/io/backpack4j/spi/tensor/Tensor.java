// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;

/**
 * A handle on numbers that a backend keeps. It has a shape, a type and a way to arrays and back; it has no arithmetic,
 * which is the backend's.
 *
 * <p>The logical order of elements is row-major, whatever order the backend keeps them in. Several handles may share
 * memory (see {@link TensorScope#view} and {@link TensorScope#rows}); memory returns to the backend's pool when the
 * last of them closes.
 *
 * <p>A handle belongs to the thread of its scope. Handles that a result owns may be read by any thread, by one at a
 * time.
 */
public interface Tensor extends AutoCloseable {

    Shape shape();

    DType dtype();

    /** The id of the backend that keeps the numbers. Other backends reject this tensor. */
    String backend();

    /** Whether this handle was closed, by itself or by its scope. */
    boolean isClosed();

    /**
     * Reads {@code count} elements, from position {@code from} of the row-major order on, converted to double.
     *
     * @throws BackpackException if the handle is closed or the range does not fit
     */
    void read(long from, double[] target, int offset, int count);

    /** Reads floating elements as {@code float}; see {@link #read(long, double[], int, int)}. */
    void read(long from, float[] target, int offset, int count);

    /** Reads elements of an {@link DType#INT64} tensor; see {@link #read(long, double[], int, int)}. */
    void read(long from, long[] target, int offset, int count);

    /**
     * Writes {@code count} elements, from position {@code from} of the row-major order on, converted to this tensor's
     * type.
     *
     * @throws BackpackException if the handle is closed or the range does not fit
     */
    void write(long from, double[] source, int offset, int count);

    /** Writes {@code float} elements; see {@link #write(long, double[], int, int)}. */
    void write(long from, float[] source, int offset, int count);

    /** Writes integers into an {@link DType#INT64} tensor; see {@link #write(long, double[], int, int)}. */
    void write(long from, long[] source, int offset, int count);

    /** Closes this handle. Closing twice does nothing. */
    @Override
    void close();

    /** All elements, row-major. */
    default double[] toDoubleArray() {
        double[] values = new double[arrayLength()];
        read(0, values, 0, values.length);
        return values;
    }

    /** All elements of a floating tensor, row-major. */
    default float[] toFloatArray() {
        float[] values = new float[arrayLength()];
        read(0, values, 0, values.length);
        return values;
    }

    /** All elements of an integer tensor, row-major. */
    default long[] toLongArray() {
        long[] values = new long[arrayLength()];
        read(0, values, 0, values.length);
        return values;
    }

    /** The only element of a tensor that has one. */
    default double item() {
        if (shape().elements() != 1) {
            throw new BackpackException(
                    CommonProblems.NOT_A_SCALAR,
                    "item() needs a tensor with one element; this one has shape " + shape() + ".");
        }
        return toDoubleArray()[0];
    }

    private int arrayLength() {
        long elements = shape().elements();
        if (elements > Integer.MAX_VALUE - 8) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE_FOR_ARRAY,
                    "A tensor of shape " + shape()
                            + " does not fit into one array. Read it in ranges with read(from, …).");
        }
        return (int) elements;
    }
}
