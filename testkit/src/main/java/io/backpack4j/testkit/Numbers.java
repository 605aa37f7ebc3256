// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.DoubleStream;

/** Operations on many numbers at once. */
public final class Numbers {

    private Numbers() {}

    /** Absolute values. */
    public static double[] positive(double[] values) {
        return Arrays.stream(values).map(Math::abs).toArray();
    }

    /** a − b, element by element. */
    public static double[] difference(double[] a, double[] b) {
        double[] difference = a.clone();
        for (int i = 0; i < b.length; i++) {
            difference[i] -= b[i];
        }
        return difference;
    }

    /** Rows behind each other. */
    public static double[] joined(double[][] rows) {
        return Arrays.stream(rows).flatMapToDouble(DoubleStream::of).toArray();
    }

    /** Asserts |actual − expected| ≤ tolerance · (1 + max|expected|), element by element. */
    public static void assertClose(String what, double[] actual, double[] expected, double tolerance) {
        assertThat(actual).as(what + ": number of elements").hasSameSizeAs(expected);
        double largest = 0;
        for (double value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            boolean close = Math.abs(actual[i] - expected[i]) <= tolerance * (1 + largest);
            if (!close) {
                throw new AssertionError(
                        "%s: element %d is %s instead of %s".formatted(what, i, actual[i], expected[i]));
            }
        }
    }
}
