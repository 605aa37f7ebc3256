// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.operators.ConjugateGradients.Column;
import io.backpack4j.operators.ConjugateGradients.Solution;
import io.backpack4j.operators.ConjugateGradients.Stop;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Numbers;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ConjugateGradientsTest extends OperatorTestBase {

    private static final ConjugateGradients TIGHT = ConjugateGradients.DEFAULT.tolerance(1e-12);

    private static double[] dense(RealMatrix matrix, double damping, Tensor b) {
        RealMatrix damped = matrix.add(
                MatrixUtils.createRealIdentityMatrix(matrix.getRowDimension()).scalarMultiply(damping));
        RealMatrix solved =
                new LUDecomposition(damped).getSolver().solve(Matrices.matrix(b).transpose());
        return Matrices.flat(solved.transpose());
    }

    /** The norms of b − (A + λI) x, row by row. */
    private static double[] residuals(RealMatrix matrix, double damping, Tensor b, Tensor x) {
        RealMatrix solutions = Matrices.matrix(x);
        RealMatrix rest =
                Matrices.matrix(b).subtract(solutions.multiply(matrix)).subtract(solutions.scalarMultiply(damping));
        return IntStream.range(0, rest.getRowDimension())
                .mapToDouble(v -> rest.getRowVector(v).getNorm())
                .toArray();
    }

    @RepeatedTest(5)
    void randomSystemsAreSolved() {
        int size = 1 + random.nextInt(40);
        int count = 1 + random.nextInt(4);
        double damping = random.nextBoolean() ? 0 : random.nextDouble();
        RealMatrix matrix = Matrices.semidefinite(random, size, size + 20);
        Tensor b = normal(count, size);
        Solution solution = TIGHT.damping(damping).solve(scope, operator(matrix), b);
        assertThat(solution.converged()).isTrue();
        Numbers.assertClose("x", solution.x().toDoubleArray(), dense(matrix, damping, b), 1e-9);
        double[] residuals = residuals(matrix, damping, b, solution.x());
        for (int v = 0; v < count; v++) {
            Column column = solution.columns().get(v);
            assertThat(column.residualNorm())
                    .isLessThan(1e-12 * Matrices.matrix(b).getRowVector(v).getNorm());
            // Both are rounding; of the same size at least.
            assertThat(residuals[v])
                    .isLessThan(1e-11 * Matrices.matrix(b).getRowVector(v).getNorm());
        }
    }

    /** Hestenes and Stiefel, theorem 5:1: as many iterations as there are distinct eigenvalues. */
    @Test
    void iterationsAreAsManyAsDistinctEigenvalues() {
        double[] values = {2, 2, 2, 2, 5, 5, 5, 9, 9, 9, 9, 9};
        RealMatrix matrix = Matrices.withEigenvalues(random, values);
        Solution solution = TIGHT.tolerance(1e-9).solve(scope, operator(matrix), normal(1, values.length));
        assertThat(solution.columns().get(0).iterations()).isEqualTo(3);
        RealMatrix identity = MatrixUtils.createRealIdentityMatrix(7);
        assertThat(TIGHT.solve(scope, operator(identity), normal(1, 7))
                        .columns()
                        .get(0)
                        .iterations())
                .isEqualTo(1);
        // Shifting does not change how many there are.
        assertThat(TIGHT.tolerance(1e-9)
                        .damping(3)
                        .solve(scope, operator(matrix), normal(1, values.length))
                        .columns()
                        .get(0)
                        .iterations())
                .isEqualTo(3);
    }

    /** Eigenvectors of few eigenvalues need few iterations, and leave earlier; products are of the others only. */
    @Test
    void rightHandSidesLeaveOnTheirOwn() {
        int size = 30;
        double[] diagonal = IntStream.range(0, size).mapToDouble(i -> 1 + i).toArray();
        double[] one = new double[size];
        one[4] = 3;
        double[] two = new double[size];
        two[1] = 1;
        two[8] = -2;
        double[] all = new double[size];
        Arrays.fill(all, 1);
        DenseOperator operator = operator(MatrixUtils.createRealDiagonalMatrix(diagonal));
        Solution solution = TIGHT.tolerance(1e-10).solve(scope, operator, upload(all, one, new double[size], two));
        assertThat(solution.converged()).isTrue();
        int[] iterations =
                solution.columns().stream().mapToInt(Column::iterations).toArray();
        assertThat(iterations[0]).isBetween(15, 31);
        assertThat(iterations).endsWith(1, 0, 2);
        assertThat(operator.vectors())
                .as("products, with one per residual that is checked, and three for the norm")
                .isEqualTo(Arrays.stream(iterations).sum() + 3 + 3)
                .isEqualTo(solution.products());
        double[] x = solution.x().toDoubleArray();
        for (int i = 0; i < size; i++) {
            assertThat(Math.abs(x[i] - 1 / diagonal[i])).isLessThan(1e-9);
            assertThat(Math.abs(x[size + i] - one[i] / diagonal[i])).isLessThan(1e-9);
            assertThat(x[2 * size + i]).isZero();
            assertThat(Math.abs(x[3 * size + i] - two[i] / diagonal[i])).isLessThan(1e-9);
        }
    }

    @Test
    void singularMatricesAreSolvedInTheirRange() {
        RealMatrix matrix = Matrices.semidefinite(random, 20, 6);
        Tensor b = upload(Matrices.normal(random, 2, 20).multiply(matrix));
        Solution solution = ConjugateGradients.DEFAULT.tolerance(1e-10).solve(scope, operator(matrix), b);
        assertThat(solution.converged()).isTrue();
        assertThat(solution.columns().get(0).iterations()).isBetween(1, 8);
    }

    @Test
    void preconditioningSavesIterations() {
        int size = 60;
        double[] scales = IntStream.range(0, size)
                .mapToDouble(i -> Math.pow(10, 4.0 * i / (size - 1)))
                .toArray();
        RealMatrix root = MatrixUtils.createRealDiagonalMatrix(
                Arrays.stream(scales).map(Math::sqrt).toArray());
        RealMatrix core = Matrices.semidefinite(random, size, size)
                .scalarMultiply(0.1 / size)
                .add(MatrixUtils.createRealIdentityMatrix(size));
        RealMatrix matrix = Matrices.symmetric(root.multiply(core).multiply(root));
        RealMatrix inverse = MatrixUtils.createRealDiagonalMatrix(
                Arrays.stream(scales).map(scale -> 1 / scale).toArray());
        Tensor b = normal(3, size);
        ConjugateGradients plain = ConjugateGradients.DEFAULT.tolerance(1e-8);
        Solution without = plain.solve(scope, operator(matrix), b);
        Solution with = plain.preconditioner(operator(inverse)).solve(scope, operator(matrix), b);
        assertThat(without.converged() && with.converged()).isTrue();
        for (int v = 0; v < 3; v++) {
            assertThat(with.columns().get(v).iterations())
                    .isLessThan(without.columns().get(v).iterations() / 3);
        }
        Solution tight =
                plain.tolerance(1e-12).preconditioner(operator(inverse)).solve(scope, operator(matrix), b);
        Numbers.assertClose("x", tight.x().toDoubleArray(), dense(matrix, 0, b), 1e-9);
        // The inverse itself needs one step.
        RealMatrix exact =
                Matrices.symmetric(new LUDecomposition(matrix).getSolver().getInverse());
        Solution best = plain.preconditioner(operator(exact)).solve(scope, operator(matrix), b);
        assertThat(best.columns()).allMatch(column -> column.iterations() == 1);
    }

    @Test
    void negativeCurvatureStopsOneColumnOnly() {
        RealMatrix matrix = MatrixUtils.createRealDiagonalMatrix(new double[] {3, 2, 1, -1});
        Tensor b = upload(new double[] {1, 1, 1, 0}, new double[] {0, 0, 0, 1}, new double[] {1, 0, 0, 0.1});
        Solution solution = TIGHT.solve(scope, operator(matrix), b);
        assertThat(solution.columns().stream().map(Column::stop))
                .containsExactly(Stop.CONVERGED, Stop.NEGATIVE_CURVATURE, Stop.NEGATIVE_CURVATURE);
        double[] x = solution.x().toDoubleArray();
        Numbers.assertClose("solved", Arrays.copyOf(x, 4), new double[] {1 / 3.0, 0.5, 1, 0}, 1e-11);
        Numbers.assertClose("at the start", Arrays.copyOfRange(x, 4, 8), new double[4], 0);
        assertThat(solution.columns().get(1).residualNorm()).isEqualTo(1);
        assertThat(solution.columns().get(2).iterations()).isEqualTo(2);
        assertThat(solution.columns().get(2).residualNorm())
                .isCloseTo(residuals(matrix, 0, b, solution.x())[2], within(1e-12));
        assertThat(TIGHT.damping(2).solve(scope, operator(matrix), b).converged())
                .isTrue();
        // Not positive either: no curvature at all.
        RealMatrix zero = MatrixUtils.createRealDiagonalMatrix(new double[4]);
        assertThat(TIGHT.solve(scope, operator(zero), b).columns())
                .allMatch(column -> column.stop() == Stop.NEGATIVE_CURVATURE);
    }

    /** diag(1, 2, 0) x = (1, 1, 1) has no solution: the third direction's curvature is rounding, positive or not. */
    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "FLOAT64"})
    void curvatureThatIsRoundingIsNotFollowed(DType dtype) {
        RealMatrix matrix = MatrixUtils.createRealDiagonalMatrix(new double[] {1, 2, 0});
        Tensor b = backend.upload(scope, Shape.of(1, 3), dtype, new double[] {1, 1, 1});
        Solution solution = ConjugateGradients.DEFAULT.solve(scope, new DenseOperator(backend, dtype, matrix), b);
        Column column = solution.columns().get(0);
        assertThat(column.stop()).isEqualTo(Stop.NEGATIVE_CURVATURE);
        // The first step is the best: the second minimises the error in A's norm, and x there is (3, 0, 6).
        Numbers.assertClose("x", solution.x().toDoubleArray(), new double[] {1, 1, 1}, 1e-6);
        assertThat(column.residualNorm()).isCloseTo(Math.sqrt(2), within(1e-6));
    }

    /** Directions may be stretched where the matrix is small; it is ‖A‖ that decides what is rounding. */
    @Test
    void curvatureIsRelativeToTheNorm() {
        RealMatrix matrix = MatrixUtils.createRealDiagonalMatrix(new double[] {1, 1e-15});
        Tensor b = upload(new double[] {0, 1});
        // Nothing but the random vector has met the eigenvalue 1.
        Solution refused = TIGHT.solve(scope, operator(matrix), b);
        assertThat(refused.columns()).containsExactly(new Column(Stop.NEGATIVE_CURVATURE, 1, 1));
        assertThat(refused.operatorNorm()).isCloseTo(1, within(1e-9));
        assertThat(refused.products())
                .as("three for the norm, the iteration, the residual")
                .isEqualTo(5);
        assertThat(refused.x().toDoubleArray()).containsOnly(0);
        Solution bounded = TIGHT.normBound(1).solve(scope, operator(matrix), b);
        assertThat(bounded.columns()).isEqualTo(refused.columns());
        assertThat(bounded.products()).isEqualTo(2);
        assertThat(bounded.operatorNorm()).isEqualTo(1);
        // With a norm of its own size it is as good as any.
        assertThat(TIGHT.normBound(1e-15).solve(scope, operator(matrix), b).converged())
                .isTrue();
        assertThat(TIGHT.damping(1e-3).solve(scope, operator(matrix), b).converged())
                .isTrue();
    }

    /** x = 1e60 is beyond single precision, and 1e-60 is zero there. */
    @Test
    void solutionsThatTheTypeCannotHoldAreNotSolutions() {
        for (double scale : new double[] {1e-30, 1e30}) {
            RealMatrix matrix = MatrixUtils.createRealIdentityMatrix(3).scalarMultiply(scale);
            Tensor b = backend.upload(scope, Shape.of(1, 3), DType.FLOAT32, new double[] {1 / scale, 0, 0});
            Solution solution =
                    ConjugateGradients.DEFAULT.solve(scope, new DenseOperator(backend, DType.FLOAT32, matrix), b);
            assertThat(solution.columns().get(0).stop()).isEqualTo(Stop.BREAKDOWN);
            assertThat(solution.columns().get(0).residualNorm()).isCloseTo(1 / scale, within(1e-6 / scale));
            assertThat(solution.x().toDoubleArray()).containsOnly(0);
        }
    }

    /** Squares of 2^600 overflow, those of 2^-600 are zero; powers of two change no digit. */
    @Test
    void squaresMayOverflow() {
        RealMatrix matrix = Matrices.semidefinite(random, 8, 20);
        RealMatrix right = Matrices.normal(random, 2, 8);
        Solution expected = TIGHT.damping(0.5).solve(scope, operator(matrix), upload(right));
        assertThat(expected.converged()).isTrue();
        for (int[] exponents : new int[][] {{600, 600}, {-600, -600}, {600, -100}, {-600, 100}}) {
            double scale = Math.scalb(1.0, exponents[0]);
            double ofRight = Math.scalb(1.0, exponents[1]);
            Solution solution = TIGHT.damping(0.5 * scale)
                    .solve(scope, operator(matrix.scalarMultiply(scale)), upload(right.scalarMultiply(ofRight)));
            assertThat(Matrices.matrix(solution.x()).scalarMultiply(Math.scalb(1.0, exponents[0] - exponents[1])))
                    .isEqualTo(Matrices.matrix(expected.x()));
            for (int v = 0; v < 2; v++) {
                Column column = expected.columns().get(v);
                assertThat(solution.columns().get(v))
                        .isEqualTo(new Column(column.stop(), column.iterations(), column.residualNorm() * ofRight));
            }
            assertThat(solution.operatorNorm()).isEqualTo(expected.operatorNorm() * scale);
        }
    }

    /** Whatever the matrix and the guess are. */
    @Test
    void zeroSolvesZeros() {
        DenseOperator operator = operator(MatrixUtils.createRealDiagonalMatrix(new double[] {1, -2, 0}));
        Solution solution = TIGHT.solve(scope, operator, upload(new double[3]), normal(1, 3));
        assertThat(solution.columns()).containsExactly(new Column(Stop.CONVERGED, 0, 0));
        assertThat(solution.x().toDoubleArray()).containsOnly(0);
    }

    @Test
    void whatBreaksIsSaid() {
        RealMatrix identity = MatrixUtils.createRealIdentityMatrix(3);
        Tensor b = normal(2, 3);
        Solution negative =
                TIGHT.preconditioner(operator(identity.scalarMultiply(-1))).solve(scope, operator(identity), b);
        assertThat(negative.columns()).allMatch(column -> column.stop() == Stop.BREAKDOWN);
        Solution notANumber = TIGHT.solve(scope, operator(identity.scalarMultiply(Double.NaN)), b);
        assertThat(notANumber.columns()).allMatch(column -> column.stop() == Stop.BREAKDOWN);
        b.write(1, new double[] {Double.NaN}, 0, 1);
        Solution half = TIGHT.solve(scope, operator(identity), b);
        assertThat(half.columns().stream().map(Column::stop)).containsExactly(Stop.BREAKDOWN, Stop.CONVERGED);
    }

    @Test
    void iterationsAreLimited() {
        RealMatrix matrix = Matrices.semidefinite(random, 30, 30);
        Solution solution = TIGHT.maxIterations(4).solve(scope, operator(matrix), normal(2, 30));
        assertThat(solution.columns())
                .allMatch(column -> column.stop() == Stop.MAX_ITERATIONS && column.iterations() == 4);
    }

    @Test
    void guessesAreImproved() {
        RealMatrix matrix = Matrices.semidefinite(random, 12, 30);
        Tensor b = normal(2, 12);
        double[] expected = dense(matrix, 0, b);
        Tensor guess = backend.upload(scope, Shape.of(2, 12), DType.FLOAT64, expected);
        ConjugateGradients solver = TIGHT.tolerance(1e-10);
        Solution exact = solver.solve(scope, operator(matrix), b, guess);
        assertThat(exact.columns()).allMatch(column -> column.iterations() == 0 && column.stop() == Stop.CONVERGED);
        Numbers.assertClose("guess", guess.toDoubleArray(), expected, 0);
        Solution other = solver.solve(scope, operator(matrix), b, normal(2, 12));
        assertThat(other.converged()).isTrue();
        Numbers.assertClose("x", other.x().toDoubleArray(), expected, 1e-8);
    }

    /** In the order of rounding, 6e-8 times the condition 10: residuals calculated anew allow it. */
    @Test
    void singlePrecisionReachesItsRounding() {
        int size = 50;
        double[] values =
                IntStream.range(0, size).mapToDouble(i -> 1 + 9.0 * i / size).toArray();
        RealMatrix matrix = Matrices.withEigenvalues(random, values);
        DenseOperator operator = new DenseOperator(backend, DType.FLOAT32, matrix);
        Tensor b = Matrices.upload(backend, scope, DType.FLOAT32, Matrices.normal(random, 2, size));
        Solution solution = ConjugateGradients.DEFAULT.tolerance(1e-6).solve(scope, operator, b);
        assertThat(solution.converged()).isTrue();
        Numbers.assertClose("x", solution.x().toDoubleArray(), dense(matrix, 0, b), 5e-6);
        Solution impossible = ConjugateGradients.DEFAULT.tolerance(1e-12).solve(scope, operator, b);
        assertThat(impossible.columns()).allMatch(column -> column.stop() == Stop.BREAKDOWN);
        Numbers.assertClose("x", impossible.x().toDoubleArray(), dense(matrix, 0, b), 5e-6);
    }

    @Test
    void absoluteTolerancesCount() {
        RealMatrix matrix = Matrices.semidefinite(random, 30, 40);
        Tensor b = normal(1, 30);
        Solution solution =
                ConjugateGradients.DEFAULT.tolerance(0).absoluteTolerance(1e-3).solve(scope, operator(matrix), b);
        assertThat(solution.converged()).isTrue();
        assertThat(solution.columns().get(0).residualNorm()).isBetween(1e-9, 1e-3);
    }

    @Test
    void repeatedSolvesTakeNoNewMemory() {
        RealMatrix matrix = Matrices.semidefinite(random, 25, 40);
        Tensor b = normal(3, 25);
        ConjugateGradients solver =
                TIGHT.damping(0.5).preconditioner(operator(MatrixUtils.createRealIdentityMatrix(25)));
        long allocations = 0;
        for (int round = 0; round < 4; round++) {
            long open = backend.memory().openTensors();
            try (var inner = backend.openScope()) {
                solver.solve(inner, operator(matrix), b);
                assertThat(backend.memory().openTensors()).isEqualTo(open + 1);
            }
            assertThat(backend.memory().openTensors()).isEqualTo(open);
            if (round == 0) {
                allocations = backend.memory().systemAllocations();
            }
        }
        assertThat(backend.memory().systemAllocations()).isEqualTo(allocations);
    }

    @Test
    void emptySystemsHaveNothingToSolve() {
        Solution solution = TIGHT.solve(scope, operator(MatrixUtils.createRealIdentityMatrix(3)), normalRows());
        assertThat(solution.columns()).isEmpty();
        assertThat(solution.converged()).isTrue();
    }

    private Tensor normalRows() {
        return scope.allocate(Shape.of(0, 3), DType.FLOAT64);
    }

    @Test
    void wrongArgumentsAreRefused() {
        RealMatrix wide = Matrices.normal(random, 2, 3);
        RealMatrix square = Matrices.semidefinite(random, 3, 3);
        refused("NotSquare", () -> TIGHT.solve(scope, operator(wide), normal(1, 3)));
        refused("ShapeMismatch", () -> TIGHT.solve(scope, operator(square), normal(1, 4)));
        refused("ShapeMismatch", () -> TIGHT.solve(scope, operator(square), normal(2, 3), normal(1, 3)));
        refused(
                "ShapeMismatch",
                () -> TIGHT.preconditioner(operator(wide)).solve(scope, operator(square), normal(1, 3)));
        refused("InvalidArgument", () -> TIGHT.damping(-1));
        refused("InvalidArgument", () -> TIGHT.normBound(Double.NaN));
        refused("InvalidArgument", () -> TIGHT.tolerance(Double.NaN));
        refused("InvalidArgument", () -> TIGHT.absoluteTolerance(Double.POSITIVE_INFINITY));
        refused("InvalidArgument", () -> TIGHT.maxIterations(0));
    }

    private static void refused(String id, Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class).hasMessageContaining("[" + id + "]");
    }
}
