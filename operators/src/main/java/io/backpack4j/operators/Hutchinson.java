// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;

/**
 * Estimates the trace and the diagonal of an operator from products with random vectors z of independent entries:
 * E[zᵀAz] = tr A (M. F. Hutchinson, 1990, "A Stochastic Estimator of the Trace of the Influence Matrix for Laplacian
 * Smoothing Splines"), E[z ⊙ Az] = diag A (C. Bekas, E. Kokiopoulou, Y. Saad, 2007, "An Estimator for the Diagonal of a
 * Matrix").
 *
 * <p>Of a symmetric A, zᵀAz has the variance 2 (‖A‖²_F − Σ A_ii²) with Rademacher vectors, and 2 ‖A‖²_F with normal
 * ones. Equal seeds give equal vectors, however many are multiplied at a time.
 *
 * @param samples the number of vectors, at least 2; each costs a product
 * @param distribution of their entries
 * @param block how many are multiplied at a time
 * @param seed of the draws
 */
public record Hutchinson(int samples, Distribution distribution, int block, long seed) {

    public Hutchinson {
        if (samples < 2) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of samples is %d, but must be at least 2: a standard error needs two."
                            .formatted(samples));
        }
        if (block < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of vectors per block is %d, but must be at least 1.".formatted(block));
        }
    }

    /**
     * An estimate of a number.
     *
     * @param mean the mean of the samples
     * @param standardError the standard deviation of the mean, estimated from the samples
     * @param samples their number
     */
    public record Estimate(double mean, double standardError, int samples) {}

    /**
     * An estimate of a diagonal; its tensors are in the scope that was given.
     *
     * @param mean the mean of the samples, {@code [P]}
     * @param standardError the standard deviation of the mean, estimated from the samples, {@code [P]}
     * @param samples their number
     */
    public record DiagonalEstimate(Tensor mean, Tensor standardError, int samples) {}

    /** Rademacher vectors, 8 at a time, seed 0. */
    public static Hutchinson of(int samples) {
        return new Hutchinson(samples, Distribution.RADEMACHER, 8, 0);
    }

    /** With another distribution. */
    public Hutchinson distribution(Distribution value) {
        return new Hutchinson(samples, value, block, seed);
    }

    /** With other blocks. */
    public Hutchinson block(int value) {
        return new Hutchinson(samples, distribution, value, seed);
    }

    /** With another seed. */
    public Hutchinson seed(long value) {
        return new Hutchinson(samples, distribution, block, value);
    }

    /** Estimates the trace of a square operator. */
    public Estimate trace(LinearOperator a) {
        double[] forms = new double[samples];
        forEachBlock(a, (first, z, product) -> {
            double[] dots = Vectors.dots(a.backend(), z, product);
            System.arraycopy(dots, 0, forms, first, dots.length);
        });
        int unit =
                PowersOfTwo.exponent(Arrays.stream(forms).map(Math::abs).max().orElse(0));
        double mean = 0;
        double squares = 0;
        for (int i = 0; i < samples; i++) {
            // Welford's update of mean and sum of squared deviations.
            double form = Math.scalb(forms[i], -unit);
            double deviation = form - mean;
            mean += deviation / (i + 1);
            squares += deviation * (form - mean);
        }
        double error = Math.sqrt(squares / (samples - 1) / samples);
        return new Estimate(Math.scalb(mean, unit), Math.scalb(error, unit), samples);
    }

    /**
     * Estimates the diagonal of a square operator. Means and errors are summed in double precision. Errors below 1e-154
     * of the largest entry are 0.
     *
     * @param target owns the estimate
     */
    public DiagonalEstimate diagonal(TensorScope target, LinearOperator a) {
        Backend backend = a.backend();
        var elementwise = backend.elementwise();
        Shape shape = Shape.of(a.rows());
        Tensor mean = target.allocate(shape, a.dtype());
        Tensor error = target.allocate(shape, a.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor sums = scope.allocate(shape.prepend(1), DType.FLOAT64);
            Tensor squares = scope.allocate(shape.prepend(1), DType.FLOAT64);
            Tensor before = scope.allocate(shape.prepend(1), DType.FLOAT64);
            elementwise.fill(sums, 0);
            elementwise.fill(squares, 0);
            int[] unit = {0};
            boolean[] unitKnown = {false};
            forEachBlock(a, (first, z, product) -> {
                try (TensorScope step = backend.openScope()) {
                    elementwise.combine(BinaryOperation.MULTIPLY, z, product, product);
                    Tensor terms = Vectors.asDouble(backend, step, product);
                    if (!unitKnown[0]) {
                        // All terms so far are zero, in any unit.
                        double largest = Vectors.largest(backend, terms);
                        unit[0] = PowersOfTwo.exponent(largest);
                        unitKnown[0] = largest != 0;
                    }
                    PowersOfTwo.scale(backend, terms, -unit[0], terms);
                    for (long i = 0; i < z.shape().size(0); i++) {
                        // Welford's update of mean and sum of squared deviations.
                        Tensor term = step.rows(terms, i, i + 1);
                        elementwise.combine(BinaryOperation.SUBTRACT, term, sums, before);
                        elementwise.addScaled(1.0 / (first + i + 1), before, sums);
                        elementwise.combine(BinaryOperation.SUBTRACT, term, sums, term);
                        elementwise.combine(BinaryOperation.MULTIPLY, before, term, term);
                        elementwise.addScaled(1, term, squares);
                    }
                }
            });
            elementwise.affine(squares, 1.0 / (samples - 1) / samples, 0, squares);
            elementwise.apply(UnaryOperation.SQRT, squares, squares);
            PowersOfTwo.scale(backend, sums, unit[0], sums);
            PowersOfTwo.scale(backend, squares, unit[0], squares);
            elementwise.copy(scope.view(sums, shape), mean);
            elementwise.copy(scope.view(squares, shape), error);
        }
        return new DiagonalEstimate(mean, error, samples);
    }

    /** What is done with vectors and their products. */
    @FunctionalInterface
    private interface Visit {
        /**
         * Called for each block, in order.
         *
         * @param first the number of the first vector
         */
        void at(int first, Tensor z, Tensor product);
    }

    private void forEachBlock(LinearOperator a, Visit visit) {
        Vectors.requireSquare(a, "Hutchinson's estimate");
        RandomKey key = new RandomKey(seed, 0, 0).stream("Hutchinson");
        for (int first = 0; first < samples; first += block) {
            try (TensorScope scope = a.backend().openScope()) {
                Shape shape = Shape.of(Math.min(block, samples - first), a.rows());
                Tensor z = scope.allocate(shape, a.dtype());
                Tensor product = scope.allocate(shape, a.dtype());
                Vectors.draw(a.backend(), distribution, key, first, z);
                a.multiply(z, product);
                visit.at(first, z, product);
            }
        }
    }
}
