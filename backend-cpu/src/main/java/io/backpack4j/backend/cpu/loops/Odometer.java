// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

/** Counts through axes, the last one fastest, and keeps the positions that two sets of strides give. */
final class Odometer {

    private final long[] sizes;
    private final int axes;
    private final long[] firstStrides;
    private final long[] secondStrides;
    private final long[] index;
    private long first;
    private long second;

    /** Counts through the first {@code axes} of the axes, none of which may be empty. */
    Odometer(long[] sizes, int axes, long[] firstStrides, long[] secondStrides) {
        this.sizes = sizes;
        this.axes = axes;
        this.firstStrides = firstStrides;
        this.secondStrides = secondStrides;
        this.index = new long[axes];
    }

    long first() {
        return first;
    }

    long second() {
        return second;
    }

    /** Goes on by one; false at the end. */
    boolean advance() {
        for (int axis = axes - 1; axis >= 0; axis--) {
            first += firstStrides[axis];
            second += secondStrides[axis];
            if (++index[axis] < sizes[axis]) {
                return true;
            }
            first -= firstStrides[axis] * sizes[axis];
            second -= secondStrides[axis] * sizes[axis];
            index[axis] = 0;
        }
        return false;
    }
}
