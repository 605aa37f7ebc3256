// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

/** Numbers of a sample, put into the arrays of a batch: of float or double for real numbers, of long for whole ones. */
final class Numbers {

    private Numbers() {}

    /** Puts a whole number. */
    static void put(long value, Object into, int at) {
        if (into instanceof long[] longs) {
            longs[at] = value;
        } else if (into instanceof float[] floats) {
            floats[at] = value;
        } else {
            ((double[]) into)[at] = value;
        }
    }

    /**
     * Puts a real number.
     *
     * @param column where it comes from, and
     * @param sample whose it is, for the message if it is not whole, but must be
     */
    static void put(double value, Object into, int at, String column, String sample) {
        if (into instanceof float[] floats) {
            floats[at] = (float) value;
        } else if (into instanceof double[] doubles) {
            doubles[at] = value;
        } else {
            long whole = (long) value;
            if (whole != value) {
                throw RowReader.invalid(
                        "column '%s' is %s, but must be a whole number, such as a class index".formatted(column, value),
                        sample);
            }
            ((long[]) into)[at] = whole;
        }
    }

    /** Puts real numbers. */
    static void copy(float[] values, Object into, int offset, String column, String sample) {
        if (into instanceof float[] floats) {
            System.arraycopy(values, 0, floats, offset, values.length);
            return;
        }
        for (int i = 0; i < values.length; i++) {
            put(values[i], into, offset + i, column, sample);
        }
    }

    /** Puts real numbers. */
    static void copy(double[] values, Object into, int offset, String column, String sample) {
        if (into instanceof double[] doubles) {
            System.arraycopy(values, 0, doubles, offset, values.length);
            return;
        }
        for (int i = 0; i < values.length; i++) {
            put(values[i], into, offset + i, column, sample);
        }
    }

    /** Puts whole numbers. */
    static void copy(long[] values, Object into, int offset) {
        for (int i = 0; i < values.length; i++) {
            put(values[i], into, offset + i);
        }
    }
}
