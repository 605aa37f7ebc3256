package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * Solves (A + λI) x = b for symmetric positive definite A + λI; M. R. Hestenes, E. Stiefel (1952), "Methods of Conjugate Gradients for Solving Linear Systems";
 * with a preconditioner as in Y. Saad (2003), "Iterative Methods for Sparse Linear Systems", algorithm 9.1.
 *
 * <p>A right-hand side is solved when ‖b − (A + λI) x‖ ≤ max(tolerance · ‖b‖, absoluteTolerance). The norm is not the recurrence's, which drifts away with rounding, but
 * calculated anew; if it is too large, the iteration goes on from there. Inner products are in double precision for every element type.
 *
 * @param damping λ, at least 0
 * @param tolerance of a residual, relative to its right-hand side
 * @param absoluteTolerance of a residual
 * @param maxIterations the most iterations of one right-hand side; each costs a product
 * @param preconditioner approximates (A + λI)⁻¹, symmetric and positive definite
 */
public record ConjugateGradients(
        double damping,
        double tolerance,
        double absoluteTolerance,
        int maxIterations,
        Optional<LinearOperator> preconditioner) {

    /** No damping and no preconditioner, a relative tolerance of 1e-6, at most 1000 iterations. */
    public static final ConjugateGradients DEFAULT = new ConjugateGradients(0, 1e-6, 0, 1000, Optional.empty());

    public ConjugateGradients {
        requireNotNegative("damping", damping);
        requireNotNegative("tolerance", tolerance);
        requireNotNegative("absolute tolerance", absoluteTolerance);
        if (maxIterations < 1) {
            throw new BackpackException(
                    "InvalidArgument",
                    "The number of iterations is %d, but must be at least 1.".formatted(maxIterations));
        }
    }

    /** Why a right-hand side was left. */
    public enum Stop {
        /** The residual is within its tolerance. */
        CONVERGED,
        /** There were as many iterations as allowed. */
        MAX_ITERATIONS,
        /** A direction d with dᵀ(A + λI)d ≤ 0 was met: the matrix is not positive definite. The solution is that before. */
        NEGATIVE_CURVATURE,
        /** A number is not finite, the preconditioner is not positive definite, or rounding does not let the residual shrink any further. */
        BREAKDOWN
    }

    /**
     * How one right-hand side went.
     *
     * @param stop why it was left
     * @param iterations the number of iterations
     * @param residualNorm ‖b − (A + λI) x‖, calculated from the solution
     */
    public record Column(Stop stop, int iterations, double residualNorm) {}

    /**
     * Solutions.
     *
     * @param x {@code [V, P]}, in the scope that was given
     * @param columns how each right-hand side went
     */
    public record Solution(Tensor x, List<Column> columns) {

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
        return new ConjugateGradients(value, tolerance, absoluteTolerance, maxIterations, preconditioner);
    }

    /** With another relative tolerance. */
    public ConjugateGradients tolerance(double value) {
        return new ConjugateGradients(damping, value, absoluteTolerance, maxIterations, preconditioner);
    }

    /** With an absolute tolerance. */
    public ConjugateGradients absoluteTolerance(double value) {
        return new ConjugateGradients(damping, tolerance, value, maxIterations, preconditioner);
    }

    /** With another limit of iterations. */
    public ConjugateGradients maxIterations(int value) {
        return new ConjugateGradients(damping, tolerance, absoluteTolerance, value, preconditioner);
    }

    /** With a preconditioner. */
    public ConjugateGradients preconditioner(LinearOperator inverse) {
        return new ConjugateGradients(damping, tolerance, absoluteTolerance, maxIterations, Optional.of(inverse));
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
                        "ShapeMismatch",
                        "The preconditioner is %s, but the operator is %s."
                                .formatted(Vectors.described(inverse), Vectors.described(a)));
            }
        });
        return target.allocate(b.shape(), b.dtype());
    }

    private static void requireNotNegative(String what, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new BackpackException(
                    "InvalidArgument", "The %s is %s, but must be a number of at least 0.".formatted(what, value));
        }
    }
}
