// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Extreme eigenvalues and eigenvectors of a symmetric operator; C. Lanczos (1950), "An Iteration Method for the
 * Solution of the Eigenvalue Problem of Linear Differential and Integral Operators", with full reorthogonalisation (B.
 * N. Parlett, 1980, "The Symmetric Eigenvalue Problem", chapter 13) and thick restarts (K. Wu, H. Simon, 2000,
 * "Thick-Restart Lanczos Method for Large Symmetric Eigenvalue Problems").
 *
 * <p>An eigenpair (θ, v), ‖v‖ = 1, is converged when ‖Av − θv‖ ≤ tolerance · ‖A‖, where the largest |θ| met stands for
 * ‖A‖. Some eigenvalue is then that near to θ. Whether the search goes on is decided whenever the Krylov space is full;
 * if it has P dimensions, all eigenvalues are found at once.
 *
 * <p>A Krylov space holds one direction of the eigenspace of a multiple eigenvalue. Where it ends early, the search
 * goes on with another random vector, and finds further copies as long as there is room; in general, the number of
 * copies returned may be smaller than an eigenvalue's multiplicity. Likewise, of eigenvalues that differ little, one
 * may be passed over if the space is small and the tolerance coarse: what is returned as converged is an eigenvalue,
 * but a neighbour of it may belong before it.
 *
 * @param which which end of the spectrum
 * @param count k, the number of eigenvalues; at most P are returned
 * @param tolerance of a residual, relative to ‖A‖
 * @param dimension the dimension m ≥ k + 2 of the Krylov space, whose vectors are all kept; max(2k, k + 20) if empty
 * @param maxProducts the most products with the operator, those that check the residuals of the result not counted
 * @param seed of the first vector
 */
public record Lanczos(Which which, int count, double tolerance, OptionalInt dimension, int maxProducts, long seed) {

    public Lanczos {
        if (count < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of eigenvalues is %d, but must be at least 1.".formatted(count));
        }
        if (!(tolerance >= 0) || Double.isInfinite(tolerance)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The tolerance is %s, but must be a number of at least 0.".formatted(tolerance));
        }
        if (dimension.isPresent() && dimension.getAsInt() < count + 2) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The dimension of the Krylov space is %d, but must be at least %d, two more than there are eigenvalues."
                            .formatted(dimension.getAsInt(), count + 2));
        }
        if (maxProducts < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of products is %d, but must be at least 1.".formatted(maxProducts));
        }
    }

    /** Which eigenvalues. */
    public enum Which {
        /** The largest, descending. */
        LARGEST,
        /** The smallest, negative ones first, ascending. */
        SMALLEST,
        /** Those of the largest absolute value, descending. */
        LARGEST_MAGNITUDE
    }

    /**
     * One eigenvalue.
     *
     * @param value θ
     * @param residualNorm ‖Av − θv‖, calculated from the vector
     * @param converged whether that is within the tolerance
     */
    public record Eigenvalue(double value, double residualNorm, boolean converged) {}

    /**
     * Eigenvalues with their vectors.
     *
     * @param values eigenvalues in the order asked for: as many as requested, or fewer if there were fewer products
     * @param vectors one row of length P for each, orthonormal, in the scope that was given; each determined up to its
     *     sign
     * @param iterations the number of products with single vectors
     * @param requested min(k, P)
     */
    public record Eigenpairs(List<Eigenvalue> values, Tensor vectors, int iterations, int requested) {

        public Eigenpairs {
            values = List.copyOf(values);
        }

        /**
         * Whether there are as many as requested. With fewer products allowed than eigenvalues asked for, there are
         * not.
         */
        public boolean complete() {
            return values.size() == requested;
        }

        /** Whether there are as many as requested, and all are converged. */
        public boolean converged() {
            return complete() && values.stream().allMatch(Eigenvalue::converged);
        }
    }

    /** A tolerance of 1e-6, at most 1000 products, seed 0. */
    public static Lanczos of(Which which, int count) {
        return new Lanczos(which, count, 1e-6, OptionalInt.empty(), 1000, 0);
    }

    /** With another tolerance. */
    public Lanczos tolerance(double value) {
        return new Lanczos(which, count, value, dimension, maxProducts, seed);
    }

    /** With another dimension of the Krylov space. */
    public Lanczos dimension(int value) {
        return new Lanczos(which, count, tolerance, OptionalInt.of(value), maxProducts, seed);
    }

    /** With another limit of products. */
    public Lanczos maxProducts(int value) {
        return new Lanczos(which, count, tolerance, dimension, value, seed);
    }

    /** With another seed. */
    public Lanczos seed(long value) {
        return new Lanczos(which, count, tolerance, dimension, maxProducts, value);
    }

    /**
     * Searches. What did not converge within the allowed products is returned with its residual. The operator may have
     * any scale; products are divided by a power of two.
     *
     * @param target owns the vectors
     * @param a symmetric, which is not checked
     * @throws BackpackException if a product has numbers that are not finite
     */
    public Eigenpairs run(TensorScope target, LinearOperator a) {
        return run(target, a, null);
    }

    /**
     * Searches from a vector that is near to what is looked for, such as an eigenvector of an operator that differs
     * little: it is mixed with a drawn one, of which a tenth of its length is taken, since the Krylov space of an
     * eigenvector holds no other.
     *
     * @param target owns the vectors
     * @param a symmetric, which is not checked
     * @param start of length P; null, or a vector that is zero or not finite, is as none
     * @throws BackpackException if a product has numbers that are not finite, or the vector has another length
     */
    public Eigenpairs run(TensorScope target, LinearOperator a, double @Nullable [] start) {
        Vectors.requireSquare(a, "The method of Lanczos");
        if (a.rows() == 0) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT, "An operator without rows has no eigenvalues.");
        }
        if (start != null && start.length != a.rows()) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "The first vector has length %d, but the operator is %s."
                            .formatted(start.length, Vectors.described(a)));
        }
        try (LanczosRun run = new LanczosRun(this, a)) {
            return run.run(target, start);
        }
    }
}
