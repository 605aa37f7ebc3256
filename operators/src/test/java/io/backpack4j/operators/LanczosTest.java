// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.operators.Lanczos.Eigenpairs;
import io.backpack4j.operators.Lanczos.Eigenvalue;
import io.backpack4j.operators.Lanczos.Which;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Numbers;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LanczosTest extends OperatorTestBase {

    private static double[] expected(RealMatrix matrix, Which which, int count) {
        Comparator<Double> order = switch (which) {
            case SMALLEST -> Comparator.naturalOrder();
            case LARGEST -> Comparator.reverseOrder();
            case LARGEST_MAGNITUDE ->
                Comparator.<Double>comparingDouble(Math::abs).reversed();
        };
        return DoubleStream.of(Matrices.eigenvalues(matrix))
                .boxed()
                .sorted(order)
                .limit(count)
                .mapToDouble(Double::doubleValue)
                .toArray();
    }

    private static double[] values(Eigenpairs pairs) {
        return pairs.values().stream().mapToDouble(Eigenvalue::value).toArray();
    }

    private void check(RealMatrix matrix, Lanczos lanczos, double tolerance) {
        Eigenpairs pairs = lanczos.run(scope, operator(matrix));
        double norm = matrix.getNorm();
        assertThat(pairs.converged()).as("converged: " + pairs.values()).isTrue();
        double[] expected = expected(matrix, lanczos.which(), lanczos.count());
        Numbers.assertClose("eigenvalues", values(pairs), expected, tolerance);
        RealMatrix vectors = Matrices.matrix(pairs.vectors());
        double[] identity = Matrices.flat(MatrixUtils.createRealIdentityMatrix(expected.length));
        Numbers.assertClose("orthonormal", Matrices.flat(vectors.multiply(vectors.transpose())), identity, 1e-10);
        RealMatrix products = vectors.multiply(matrix);
        for (int i = 0; i < expected.length; i++) {
            double residual = products.getRowVector(i)
                    .subtract(vectors.getRowVector(i).mapMultiply(expected[i]))
                    .getNorm();
            assertThat(residual).isLessThanOrEqualTo(10 * lanczos.tolerance() * norm + 1e-12 * norm);
            assertThat(Math.abs(pairs.values().get(i).residualNorm() - residual))
                    .isLessThanOrEqualTo(1e-8 * norm);
        }
    }

    /**
     * A vector that is near takes fewer products; that of another eigenvalue does not keep the search from the one that
     * is wanted.
     */
    @Test
    void firstVectorsHelpAndDoNotMislead() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 150, 150));
        Lanczos lanczos = Lanczos.of(Which.LARGEST, 1).tolerance(1e-6).maxProducts(2000);
        Eigenpairs first = lanczos.run(scope, operator(matrix));
        double[] near = first.vectors().toDoubleArray();
        Eigenpairs again = lanczos.run(scope, operator(matrix), near);
        assertThat(again.converged()).isTrue();
        assertThat(again.iterations()).isLessThanOrEqualTo(first.iterations());
        double[] wrong = Lanczos.of(Which.SMALLEST, 1)
                .tolerance(1e-9)
                .run(scope, operator(matrix))
                .vectors()
                .toDoubleArray();
        for (double[] start : new double[][] {near, wrong, new double[150]}) {
            Eigenpairs pairs = lanczos.run(scope, operator(matrix), start);
            Numbers.assertClose("eigenvalue", values(pairs), expected(matrix, Which.LARGEST, 1), 1e-9);
        }
        assertThatThrownBy(() -> lanczos.run(scope, operator(matrix), new double[3]))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("length 3");
    }

    /** What is drawn beside a vector that is given reaches every element, also of more than are drawn at once. */
    @ParameterizedTest
    @ValueSource(ints = {0, 65_535, 65_536, 70_000})
    void theSearchLeavesAnEigenvectorForALargerOneWhereverThatIs(int place) {
        int size = 70_001;
        for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
            double[] diagonal = random.doubles(size, -0.3, 0.3).toArray();
            diagonal[place] = 2;
            diagonal[12_345] = 1;
            double[] start = new double[size];
            start[12_345] = 3;
            Tensor row = backend.upload(scope, Shape.of(1, size), dtype, diagonal);
            ParameterLayout layout = ParameterLayout.of(backend, dtype, Map.of("all", Shape.of(size)));
            LinearOperator operator = new LayoutOperator(
                    layout, (x, destination) -> backend.elementwise().combine(MULTIPLY, x, row, destination));
            Eigenpairs pairs =
                    Lanczos.of(Which.LARGEST, 1).dimension(8).tolerance(1e-5).run(scope, operator, start);
            assertThat(pairs.converged()).isTrue();
            assertThat(pairs.values().get(0).value()).isCloseTo(2, within(2e-5));
        }
    }

    @ParameterizedTest
    @EnumSource
    void randomMatricesAgreeWithDenseEigenvalues(Which which) {
        for (int size : new int[] {1, 2, 3, 10, 25, 26, 60, 150}) {
            for (int count : new int[] {1, 3, 5}) {
                RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, size, size));
                check(matrix, Lanczos.of(which, count).tolerance(1e-9).seed(random.nextLong()), 1e-9);
            }
        }
    }

    /**
     * Small Krylov spaces restart often. They pass over eigenvalues that are close to others, so that these are apart.
     */
    @ParameterizedTest
    @EnumSource
    void restartsConverge(Which which) {
        double[] values = new double[80];
        for (int i = 0; i < values.length; i++) {
            values[i] = i < 6 ? 4 + i : i < 12 ? 1.5 - i : random.nextDouble() * 2 - 1;
        }
        RealMatrix matrix = Matrices.withEigenvalues(random, values);
        check(matrix, Lanczos.of(which, 2).dimension(8).tolerance(1e-9), 1e-9);
        check(matrix, Lanczos.of(which, 1).dimension(4).tolerance(1e-7), 1e-9);
        check(matrix, Lanczos.of(which, 4).dimension(6).tolerance(1e-7), 1e-9);
    }

    @Test
    void gapsDecideIterations() {
        int size = 100;
        double[] separated = IntStream.range(0, size)
                .mapToDouble(i -> i < 3 ? 100 + 50 * i : 1 + i * 0.01)
                .toArray();
        Eigenpairs few = Lanczos.of(Which.LARGEST, 3).run(scope, operator(Matrices.withEigenvalues(random, separated)));
        assertThat(few.converged()).isTrue();
        assertThat(few.iterations()).isEqualTo(23);
        double[] clustered = IntStream.range(0, size)
                .mapToDouble(i -> i < 3 ? 10 + 1e-4 * i : 1 + i * 0.01)
                .toArray();
        RealMatrix matrix = Matrices.withEigenvalues(random, clustered);
        check(matrix, Lanczos.of(Which.LARGEST, 3).tolerance(1e-9), 1e-9);
    }

    @Test
    void specialMatrices() {
        RealMatrix identity = MatrixUtils.createRealIdentityMatrix(9);
        RealMatrix zero = identity.scalarMultiply(0);
        RealMatrix threeValues = MatrixUtils.createRealDiagonalMatrix(new double[] {5, 5, 1, -7, -7, 5, 1, 1});
        for (Which which : Which.values()) {
            check(identity, Lanczos.of(which, 3), 1e-12);
            check(zero, Lanczos.of(which, 2), 1e-12);
            // Room enough for all: multiples are found.
            check(threeValues, Lanczos.of(which, 5), 1e-12);
            check(threeValues, Lanczos.of(which, 20), 1e-12);
            check(MatrixUtils.createRealDiagonalMatrix(new double[] {-4}), Lanczos.of(which, 2), 1e-12);
            check(Matrices.semidefinite(random, 40, 4), Lanczos.of(which, 3), 1e-10);
        }
    }

    /** The Krylov space ends after two vectors; what goes on is orthogonal to it. */
    @Test
    void invariantSpacesGoOnWithAnotherVector() {
        double[] values = new double[70];
        Arrays.fill(values, 1);
        values[0] = 3;
        values[1] = 3;
        values[2] = 3;
        RealMatrix matrix = MatrixUtils.createRealDiagonalMatrix(values);
        Eigenpairs pairs = Lanczos.of(Which.LARGEST, 3).run(scope, operator(matrix));
        Numbers.assertClose("eigenvalues", values(pairs), new double[] {3, 3, 3}, 1e-12);
        assertThat(pairs.converged()).isTrue();
    }

    @Test
    void whatDoesNotConvergeIsSaid() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 200, 200));
        Eigenpairs pairs = Lanczos.of(Which.LARGEST, 3)
                .dimension(6)
                .tolerance(1e-12)
                .maxProducts(10)
                .run(scope, operator(matrix));
        assertThat(pairs.iterations()).isEqualTo(10);
        assertThat(pairs.converged()).isFalse();
        assertThat(pairs.values()).hasSize(3).allMatch(value -> value.residualNorm() > 1e-3);
        Eigenpairs two = Lanczos.of(Which.LARGEST, 3).maxProducts(2).run(scope, operator(matrix));
        assertThat(two.values()).hasSize(2);
        assertThat(two.vectors().shape()).isEqualTo(Shape.of(2, 200));
        assertThat(two.requested()).isEqualTo(3);
        assertThat(two.complete()).isFalse();
        // The one that is there is exact; those that are not there are not converged.
        Eigenpairs one = Lanczos.of(Which.LARGEST, 3)
                .maxProducts(1)
                .run(scope, operator(MatrixUtils.createRealIdentityMatrix(9)));
        assertThat(one.values()).singleElement().matches(Eigenvalue::converged);
        assertThat(one.converged()).isFalse();
        // No more than there are.
        Eigenpairs all = Lanczos.of(Which.LARGEST, 3).run(scope, operator(MatrixUtils.createRealIdentityMatrix(2)));
        assertThat(all.requested()).isEqualTo(2);
        assertThat(all.converged()).isTrue();
    }

    @Test
    void equalSeedsAreEqualBits() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 50, 50));
        Lanczos lanczos = Lanczos.of(Which.LARGEST, 2).dimension(10).seed(5);
        double[] first = lanczos.run(scope, operator(matrix)).vectors().toDoubleArray();
        double[] again = lanczos.run(scope, operator(matrix)).vectors().toDoubleArray();
        double[] other = lanczos.seed(6).run(scope, operator(matrix)).vectors().toDoubleArray();
        assertThat(again).isEqualTo(first);
        assertThat(other).isNotEqualTo(first);
    }

    /** Products and bases round at 6e-8 of the largest eigenvalue, 20. */
    @Test
    void singlePrecision() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 100, 100));
        DenseOperator operator = new DenseOperator(backend, DType.FLOAT32, matrix);
        for (Which which : Which.values()) {
            Eigenpairs pairs = Lanczos.of(which, 3).tolerance(1e-5).run(scope, operator);
            assertThat(pairs.converged()).isTrue();
            Numbers.assertClose("eigenvalues", values(pairs), expected(matrix, which, 3), 2e-6);
        }
    }

    @Test
    void repeatedSearchesTakeNoNewMemory() {
        RealMatrix matrix = Matrices.symmetric(Matrices.normal(random, 40, 40));
        Lanczos lanczos = Lanczos.of(Which.SMALLEST, 2).dimension(7);
        long allocations = 0;
        for (int round = 0; round < 4; round++) {
            long open = backend.memory().openTensors();
            try (var inner = backend.openScope()) {
                lanczos.run(inner, operator(matrix));
                assertThat(backend.memory().openTensors()).isEqualTo(open + 1);
            }
            if (round == 0) {
                allocations = backend.memory().systemAllocations();
            }
        }
        assertThat(backend.memory().systemAllocations()).isEqualTo(allocations);
    }

    @Test
    void wrongArgumentsAreRefused() {
        Lanczos lanczos = Lanczos.of(Which.LARGEST, 2);
        refused("NotSquare", () -> lanczos.run(scope, operator(Matrices.normal(random, 2, 3))));
        refused(
                "NotFinite",
                () -> lanczos.run(
                        scope, operator(MatrixUtils.createRealIdentityMatrix(3).scalarMultiply(Double.NaN))));
        refused("InvalidArgument", () -> Lanczos.of(Which.LARGEST, 0));
        refused("InvalidArgument", () -> lanczos.dimension(3));
        refused("InvalidArgument", () -> lanczos.tolerance(-1));
        refused("InvalidArgument", () -> lanczos.maxProducts(0));
    }

    private static void refused(String id, Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class).hasMessageContaining("[" + id + "]");
    }
}
