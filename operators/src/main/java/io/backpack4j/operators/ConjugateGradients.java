// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Solves (A + λI) x = b for symmetric positive definite A + λI; M. R. Hestenes, E. Stiefel (1952), "Methods of
 * Conjugate Gradients for Solving Linear Systems"; with a preconditioner as in Y. Saad (2003), "Iterative Methods for
 * Sparse Linear Systems", algorithm 9.1.
 *
 * <p>A right-hand side is solved when ‖b − (A + λI) x‖ ≤ max(tolerance · ‖b‖, absoluteTolerance). The norm is not the
 * recurrence's, which drifts away with rounding, but calculated anew; if it is too large, the iteration goes on from
 * there. Inner products are in double precision for every element type.
 *
 * <p>A direction d is followed if its curvature is positive beyond rounding: dᵀ(A + λI)d > 100 ε ‖A + λI‖ ‖d‖², ε being
 * the distance of 1 to the element type's next number (1.2e-7 or 2.2e-16). The norm is the greatest of a bound that is
 * given, or else of three products with one random vector, always the same, and of ‖(A + λI)d‖ / ‖d‖ of the directions
 * met. A + λI with a condition number of more than 1 / (100 ε) may be refused for that reason: add damping, or use
 * double precision.
 *
 * <p>The solution returned is the best one met: no residual is larger than the one it started from, or that of fewer
 * iterations, except for rounding. Operator, preconditioner and right-hand sides may have any scale: they are
 * multiplied by powers of two, which change no digit, and the solution only has to be one that the element type can
 * hold.
 *
 * @param damping λ, at least 0
 * @param tolerance of a residual, relative to its right-hand side
 * @param absoluteTolerance of a residual
 * @param maxIterations the most iterations of one right-hand side; each costs a product
 * @param preconditioner approximates (A + λI)⁻¹, symmetric and positive definite; its scale does not matter
 * @param normBound an upper bound of the spectral norm ‖A‖, without damping, such as the largest eigenvalue; estimated
 *     if empty
 */
public record ConjugateGradients(
        double damping,
        double tolerance,
        double absoluteTolerance,
        int maxIterations,
        Optional<LinearOperator> preconditioner,
        OptionalDouble normBound) {

    /** No damping and no preconditioner, a relative tolerance of 1e-6, at most 1000 iterations. */
    public static final ConjugateGradients DEFAULT =
            new ConjugateGradients(0, 1e-6, 0, 1000, Optional.empty(), OptionalDouble.empty());

    /** Without a bound of ‖A‖. */
    public ConjugateGradients(
            double damping,
            double tolerance,
            double absoluteTolerance,
            int maxIterations,
            Optional<LinearOperator> preconditioner) {
        this(damping, tolerance, absoluteTolerance, maxIterations, preconditioner, OptionalDouble.empty());
    }

    public ConjugateGradients {
        requireNotNegative("damping", damping);
        requireNotNegative("tolerance", tolerance);
        requireNotNegative("absolute tolerance", absoluteTolerance);
        normBound.ifPresent(bound -> requireNotNegative("bound of the operator's norm", bound));
        if (maxIterations < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of iterations is %d, but must be at least 1.".formatted(maxIterations));
        }
    }

    /** Why a right-hand side was left. */
    public enum Stop {
        /** The residual is within its tolerance. */
        CONVERGED,
        /** There were as many iterations as allowed. */
        MAX_ITERATIONS,
        /**
         * A direction was met whose curvature is negative, zero or rounding: the matrix is not positive definite, or
         * nearly singular. The solution is the best one before.
         */
        NEGATIVE_CURVATURE,
        /**
         * A number is not finite, the preconditioner is not positive definite, the element type cannot hold the
         * solution, or rounding does not let the residual shrink any further.
         */
        BREAKDOWN
    }

    /**
     * How one right-hand side went.
     *
     * @param stop why it was left
     * @param iterations the number of iterations
     * @param residualNorm ‖b − (A + λI) x‖, calculated from the solution; at most that of the start
     */
    public record Column(Stop stop, int iterations, double residualNorm) {}

    /**
     * Solutions.
     *
     * @param x {@code [V, P]}, in the scope that was given
     * @param columns how each right-hand side went
     * @param operatorNorm the greatest of the given bound plus damping, or else of ‖(A + λI)v‖ / ‖v‖ of random vectors,
     *     and of that of all directions
     * @param products with single vectors, all together: those of iterations, those that check residuals, and those
     *     that estimate the norm
     */
    public record Solution(Tensor x, List<Column> columns, double operatorNorm, int products) {

        public Solution {
            columns = List.copyOf(columns);
        }

        /** Whether all right-hand sides are solved. */
        public boolean converged() {
            return columns.stream().allMatch(column -> column.stop() == Stop.CONVERGED);
        }
    }

    /** With damping. */
    public ConjugateGradients damping(double value) {
        return new ConjugateGradients(value, tolerance, absoluteTolerance, maxIterations, preconditioner, normBound);
    }

    /** With another relative tolerance. */
    public ConjugateGradients tolerance(double value) {
        return new ConjugateGradients(damping, value, absoluteTolerance, maxIterations, preconditioner, normBound);
    }

    /** With an absolute tolerance. */
    public ConjugateGradients absoluteTolerance(double value) {
        return new ConjugateGradients(damping, tolerance, value, maxIterations, preconditioner, normBound);
    }

    /** With another limit of iterations. */
    public ConjugateGradients maxIterations(int value) {
        return new ConjugateGradients(damping, tolerance, absoluteTolerance, value, preconditioner, normBound);
    }

    /** With a preconditioner. */
    public ConjugateGradients preconditioner(LinearOperator inverse) {
        return new ConjugateGradients(
                damping, tolerance, absoluteTolerance, maxIterations, Optional.of(inverse), normBound);
    }

    /** With a bound of ‖A‖, which saves the products that estimate it. */
    public ConjugateGradients normBound(double value) {
        return new ConjugateGradients(
                damping, tolerance, absoluteTolerance, maxIterations, preconditioner, OptionalDouble.of(value));
    }

    /**
     * Solves from zero.
     *
     * @param target owns the solutions
     * @param a A
     * @param b right-hand sides, {@code [V, P]}
     */
    public Solution solve(TensorScope target, LinearOperator a, Tensor b) {
        Tensor x = begin(target, a, b);
        a.backend().elementwise().fill(x, 0);
        return new ConjugateGradientsRun(this, a, b, x).run(true);
    }

    /**
     * Solves from a guess.
     *
     * @param target owns the solutions
     * @param a A
     * @param b right-hand sides, {@code [V, P]}
     * @param guess {@code [V, P]}
     */
    public Solution solve(TensorScope target, LinearOperator a, Tensor b, Tensor guess) {
        Vectors.check(a, guess, b);
        Tensor x = begin(target, a, b);
        a.backend().elementwise().copy(guess, x);
        return new ConjugateGradientsRun(this, a, b, x).run(false);
    }

    private Tensor begin(TensorScope target, LinearOperator a, Tensor b) {
        Vectors.requireSquare(a, "The method of conjugate gradients");
        Vectors.check(a, "b", b, a.rows());
        preconditioner.ifPresent(inverse -> {
            if (inverse.rows() != a.rows() || inverse.columns() != a.columns() || inverse.dtype() != a.dtype()) {
                throw new BackpackException(
                        CommonProblems.SHAPE_MISMATCH,
                        "The preconditioner is %s, but the operator is %s."
                                .formatted(Vectors.described(inverse), Vectors.described(a)));
            }
        });
        return target.allocate(b.shape(), b.dtype());
    }

    private static void requireNotNegative(String what, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The %s is %s, but must be a number of at least 0.".formatted(what, value));
        }
    }
}
