// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.tensor.DType;
import java.util.Arrays;

/** The elements that handles share, counted by them. Fresh and freed elements are NaN, or the smallest integer. */
final class HeapStorage {

    private final HeapMemory memory;
    private final DType dtype;
    private final double[] reals;
    private final long[] integers;
    private int handles;

    HeapStorage(HeapMemory memory, int elements, DType dtype) {
        this.memory = memory;
        this.dtype = dtype;
        this.reals = new double[dtype.isFloating() ? elements : 0];
        this.integers = new long[dtype.isFloating() ? 0 : elements];
        poison();
        memory.allocated(bytes());
    }

    synchronized void retain() {
        handles++;
    }

    synchronized void release() {
        handles--;
        if (handles == 0) {
            poison();
            memory.freed(bytes());
        }
    }

    double real(int index) {
        return dtype.isFloating() ? reals[index] : integers[index];
    }

    long integer(int index) {
        return integers[index];
    }

    void setReal(int index, double value) {
        switch (dtype) {
            case FLOAT64 -> reals[index] = value;
            case FLOAT32 -> reals[index] = (float) value;
            case INT64 -> integers[index] = (long) value;
        }
    }

    void setInteger(int index, long value) {
        integers[index] = value;
    }

    private long bytes() {
        return (long) (reals.length + integers.length) * dtype.bytes();
    }

    private void poison() {
        Arrays.fill(reals, Double.NaN);
        Arrays.fill(integers, Long.MIN_VALUE);
    }
}
