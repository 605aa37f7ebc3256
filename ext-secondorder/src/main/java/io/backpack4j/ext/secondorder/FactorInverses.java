// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Random;

/**
 * Inverses of factors {@code [n, n]}, or {@code [G, n, n]} with several groups. Only diagonals and vectors come to the
 * host; the rest stays with the backend.
 *
 * @param backend whose tensors the factors are
 */
record FactorInverses(Backend backend) {

    /**
     * How large an eigenvalue of a small matrix rounding can make, in units of the type's epsilon times the diagonal.
     */
    private static final double ROUNDING = 16;

    /** A singular matrix shows at the first solution; the others are for spectra that are less clear. */
    private static final int SOLUTIONS = 3;

    /** The diagonals of all groups, one after the other. */
    double[] diagonal(Tensor factor) {
        try (TensorScope scope = backend.openScope()) {
            Tensor diagonal = scope.allocate(rows(factor), factor.dtype());
            backend.indexing().extractDiagonal(factor, diagonal);
            return diagonal.toDoubleArray();
        }
    }

    /** The means of the diagonal, per group. */
    double[] means(Tensor factor) {
        double[] diagonal = diagonal(factor);
        int size = Math.toIntExact(factor.shape().size(-1));
        double[] means = new double[size == 0 ? 0 : diagonal.length / size];
        for (int i = 0; i < diagonal.length; i++) {
            means[i / size] += diagonal[i] / size;
        }
        return means;
    }

    /**
     * (factor + damping[g] I)⁻¹ of every group.
     *
     * @param target the scope of the result; nothing is left there if this fails
     */
    Tensor inverse(TensorScope target, Tensor factor, double... damping) {
        Tensor inverse = target.allocate(factor.shape(), factor.dtype());
        try {
            backend.elementwise().copy(factor, inverse);
            double[] damped = addToDiagonal(inverse, damping);
            backend.decompositions().cholesky(inverse, inverse);
            requireDigits(inverse, damped, damping);
            backend.decompositions().choleskyInverse(inverse, inverse);
            requireFinite(inverse, damping);
            return inverse;
        } catch (RuntimeException e) {
            inverse.close();
            throw e;
        }
    }

    /** Returns the new diagonal. */
    private double[] addToDiagonal(Tensor matrices, double... damping) {
        try (TensorScope scope = backend.openScope()) {
            Tensor diagonal = scope.allocate(rows(matrices), matrices.dtype());
            backend.indexing().extractDiagonal(matrices, diagonal);
            double[] values = diagonal.toDoubleArray();
            int size = Math.toIntExact(matrices.shape().size(-1));
            for (int i = 0; i < values.length; i++) {
                values[i] += damping[i / size];
            }
            diagonal.write(0, values, 0, values.length);
            backend.indexing().insertDiagonal(diagonal, matrices);
            return diagonal.toDoubleArray();
        }
    }

    private void requireFinite(Tensor inverse, double... damping) {
        if (!backend.reductions().allFinite(inverse)) {
            throw new BackpackException(
                    CommonProblems.NOT_FINITE,
                    "The inverse of a factor of shape %s, damped by %s, has numbers that are too large for %s. Use more damping, or float64."
                            .formatted(inverse.shape(), largest(damping), inverse.dtype()));
        }
    }

    private void requireDigits(Tensor triangle, double[] diagonal, double... damping) {
        double least = rounding(triangle);
        double smallest = smallestEigenvalue(triangle, diagonal);
        if (!(smallest > least)) {
            throw new BackpackException(
                    CommonProblems.NOT_POSITIVE_DEFINITE,
                    "A factor of shape %s, damped by %s, is singular but for rounding: with rows and columns scaled to a diagonal of ones, its smallest eigenvalue is about %.2g, and rounding in %s makes up to %.2g. Add damping."
                            .formatted(triangle.shape(), largest(damping), smallest, triangle.dtype(), least));
        }
    }

    /**
     * About the smallest eigenvalue of all groups' matrices, rows and columns being scaled so that diagonals are 1: by
     * a few inverse iterations, and so not below the true one. The scales of rows do not matter to the digits of a
     * Cholesky factor, this does.
     *
     * @param triangle the Cholesky factors
     * @param diagonal of the matrices
     */
    double smallestEigenvalue(Tensor triangle, double... diagonal) {
        int size = Math.toIntExact(triangle.shape().size(-1));
        double[] x = new Random(0).doubles(diagonal.length, 0.5, 1.5).toArray();
        double largest = 0;
        try (TensorScope scope = backend.openScope()) {
            Shape shape = triangle.shape().with(-2, 1);
            Tensor right = scope.allocate(shape, triangle.dtype());
            Tensor solution = scope.allocate(shape, triangle.dtype());
            for (int turn = 0; turn < SOLUTIONS; turn++) {
                normalise(x, size);
                scaleByRoots(x, diagonal);
                right.write(0, x, 0, x.length);
                backend.decompositions().choleskySolve(triangle, right, solution);
                solution.read(0, x, 0, x.length);
                scaleByRoots(x, diagonal);
                largest = largestNorm(x, size);
            }
        }
        return 1 / largest;
    }

    private static void scaleByRoots(double[] x, double... diagonal) {
        for (int i = 0; i < x.length; i++) {
            x[i] *= Math.sqrt(diagonal[i]);
        }
    }

    /** Makes the norm of every group 1. */
    private static void normalise(double[] x, int size) {
        for (int first = 0; first < x.length; first += size) {
            double norm = norm(x, first, size);
            for (int i = first; i < first + size; i++) {
                x[i] /= norm;
            }
        }
    }

    private static double largestNorm(double[] x, int size) {
        double largest = 0;
        for (int first = 0; first < x.length; first += size) {
            largest = Math.max(largest, norm(x, first, size));
        }
        return largest;
    }

    private static double norm(double[] x, int first, int size) {
        double sum = 0;
        for (int i = first; i < first + size; i++) {
            sum += x[i] * x[i];
        }
        return Math.sqrt(sum);
    }

    /**
     * How large rounding can make an eigenvalue that is 0, beside a diagonal of ones, in decompositions of matrices
     * like this one.
     */
    static double rounding(Tensor matrix) {
        double epsilon = matrix.dtype() == DType.FLOAT32 ? Math.ulp(1f) : Math.ulp(1.0);
        return epsilon * Math.max(ROUNDING, Math.sqrt(matrix.shape().size(-1)));
    }

    private static double largest(double... damping) {
        return Arrays.stream(damping).max().orElse(0);
    }

    private static Shape rows(Tensor factor) {
        return factor.shape().slice(0, factor.shape().rank() - 1);
    }
}
