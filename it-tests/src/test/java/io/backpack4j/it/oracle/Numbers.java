// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.Arrays;

/**
 * An array of numbers in row-major order.
 *
 * @param shape the sizes of its axes
 * @param values its elements
 */
public record Numbers(int[] shape, double[] values) {

    public Numbers {
        if (Arrays.stream(shape).reduce(1, (a, b) -> a * b) != values.length) {
            throw new IllegalArgumentException(values.length + " numbers do not fill " + Arrays.toString(shape));
        }
    }

    /** One entry of the first axis. */
    public Numbers row(int index) {
        int length = values.length / shape[0];
        return new Numbers(
                Arrays.copyOfRange(shape, 1, shape.length),
                Arrays.copyOfRange(values, index * length, (index + 1) * length));
    }

    /** Some entries of the first axis. */
    public Numbers rows(int... indices) {
        int length = values.length / shape[0];
        double[] picked = new double[indices.length * length];
        for (int i = 0; i < indices.length; i++) {
            System.arraycopy(values, indices[i] * length, picked, i * length, length);
        }
        int[] sizes = shape.clone();
        sizes[0] = indices.length;
        return new Numbers(sizes, picked);
    }
}
