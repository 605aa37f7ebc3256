// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.spi.tensor.Tensor;

/**
 * A tensor in four numbers, NaN if it has no elements or one of them is NaN.
 *
 * @param min the least element
 * @param mean their mean
 * @param max the greatest element
 * @param norm the square root of the sum of squares
 */
record TensorSummary(double min, double mean, double max, double norm) {

    private static final int RANGE = 1 << 14;

    static TensorSummary of(Tensor tensor) {
        long elements = tensor.shape().elements();
        if (elements == 0) {
            return new TensorSummary(Double.NaN, Double.NaN, Double.NaN, 0);
        }
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        double sum = 0;
        double squares = 0;
        double[] range = new double[(int) Math.min(RANGE, elements)];
        for (long from = 0; from < elements; from += range.length) {
            int count = (int) Math.min(range.length, elements - from);
            tensor.read(from, range, 0, count);
            for (int i = 0; i < count; i++) {
                min = Math.min(min, range[i]);
                max = Math.max(max, range[i]);
                sum += range[i];
                squares += range[i] * range[i];
            }
        }
        return new TensorSummary(min, sum / elements, max, Math.sqrt(squares));
    }
}
