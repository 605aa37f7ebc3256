// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

/**
 * A thread's arrays for planes, rows and windows of tensors. They grow to the largest size that was asked for, keep
 * what was written last, and are lent until the same one is asked for again.
 */
final class PlaneBuffers {

    private static final ThreadLocal<PlaneBuffers> OF_THREAD = ThreadLocal.withInitial(PlaneBuffers::new);

    private double[] large = new double[0];
    private double[] small = new double[0];
    private double[] row = new double[0];
    private long[] places = new long[0];

    private PlaneBuffers() {}

    static PlaneBuffers get() {
        return OF_THREAD.get();
    }

    double[] large(int size) {
        if (large.length < size) {
            large = new double[size];
        }
        return large;
    }

    double[] small(int size) {
        if (small.length < size) {
            small = new double[size];
        }
        return small;
    }

    double[] row(int size) {
        if (row.length < size) {
            row = new double[size];
        }
        return row;
    }

    long[] places(int size) {
        if (places.length < size) {
            places = new long[size];
        }
        return places;
    }
}
