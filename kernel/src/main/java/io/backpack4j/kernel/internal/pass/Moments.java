// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * A sum and centred squares to which those of further parts are added (Chan, Golub, LeVeque 1979): M = M_a + M_b + δ²
 * n_a n_b / (n_a + n_b), δ the difference of the means. Means are kept as distances from the first part's, so that one
 * that all parts share costs δ no digits. Both sums are compensated.
 */
public final class Moments {

    private final Backend backend;
    private final CompensatedSum sum;
    private final CompensatedSum squares;
    private final Tensor firstMean;
    private final Tensor distance;
    private long count;

    /**
     * Starts with a first part.
     *
     * @param scope for means, as long as parts are added
     * @param sum the part's sum, which becomes that of all
     * @param squares its centred squares, which become those of all
     * @param count its number of terms
     */
    public Moments(Backend backend, TensorScope scope, Tensor sum, Tensor squares, long count) {
        this(
                backend,
                new CompensatedSum(backend, scope, sum),
                new CompensatedSum(backend, scope, squares),
                scope.allocate(sum.shape(), sum.dtype()),
                scope.allocate(sum.shape(), sum.dtype()),
                count);
        backend.elementwise().affine(sum, 1.0 / Math.max(1, count), 0, firstMean);
        backend.elementwise().fill(distance, 0);
    }

    /**
     * Goes on with moments.
     *
     * @param firstMean the first part's mean
     * @param distance of the mean of all parts to it
     * @param count the number of terms
     */
    public Moments(
            Backend backend,
            CompensatedSum sum,
            CompensatedSum squares,
            Tensor firstMean,
            Tensor distance,
            long count) {
        this.backend = backend;
        this.sum = sum;
        this.squares = squares;
        this.firstMean = firstMean;
        this.distance = distance;
        this.count = count;
    }

    /** The number of terms. */
    public long count() {
        return count;
    }

    /** The sum. */
    public CompensatedSum sum() {
        return sum;
    }

    /** The centred squares. */
    public CompensatedSum squares() {
        return squares;
    }

    /** The first part's mean. */
    public Tensor firstMean() {
        return firstMean;
    }

    /** The distance of the mean of all parts to the first's. */
    public Tensor distance() {
        return distance;
    }

    /** Adds a part. */
    public void add(Tensor partSum, Tensor partSquares, long partCount) {
        if (partCount == 0) {
            return;
        }
        var ops = backend.elementwise();
        long total = count + partCount;
        try (TensorScope scope = backend.openScope()) {
            Tensor difference = scope.allocate(partSum.shape(), partSum.dtype());
            ops.affine(partSum, 1.0 / partCount, 0, difference);
            ops.combine(BinaryOperation.SUBTRACT, difference, firstMean, difference);
            ops.combine(BinaryOperation.SUBTRACT, difference, distance, difference);
            ops.addScaled((double) partCount / total, difference, distance);
            ops.apply(UnaryOperation.SQUARE, difference, difference);
            squares.addScaled((double) count * partCount / total, difference);
        }
        squares.add(partSquares);
        sum.add(partSum);
        count = total;
    }

    /** Rounds the sums and gives back what was kept beside them. Nothing may follow. */
    void complete() {
        sum.complete();
        squares.complete();
        firstMean.close();
        distance.close();
    }
}
