// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * Decompositions in both types, alone and in batches.
 *
 * @param backend the backend under test
 * @param random where numbers come from
 * @param tolerance how far results may lie from the exact ones, per unit of the largest element
 */
record DecompositionChecks(Backend backend, Random random, ToDoubleFunction<DType> tolerance) {

    private static final List<Shape> SHAPES = List.of(
            Shape.of(1, 1), Shape.of(2, 2), Shape.of(7, 7), Shape.of(40, 40), Shape.of(3, 5, 5), Shape.of(2, 2, 4, 4));
    private static final List<Shape> EMPTY = List.of(Shape.of(0, 0), Shape.of(0, 3, 3), Shape.of(2, 0, 0));

    /** More rows than a backend may take at a time. */
    private static final List<Shape> LARGE = List.of(Shape.of(70, 70), Shape.of(2, 301, 301));

    /** Rounding errors of many steps add up. */
    private static final double STEPS = 5;

    private interface Body {

        void run(TensorScope scope, DType dtype, Shape shape);
    }

    private void each(List<Shape> shapes, Body body) {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            for (Shape shape : shapes) {
                try (TensorScope scope = backend.openScope()) {
                    body.run(scope, dtype, shape);
                }
            }
        }
    }

    void eigenvectorsMakeTheMatrixAndAreOrthonormal() {
        each(SHAPES, (scope, dtype, shape) -> {
            Tensor a = symmetric(scope, dtype, shape, 0);
            Tensor values = dirty(scope, dtype, shape.slice(0, shape.rank() - 1));
            Tensor vectors = dirty(scope, dtype, shape);
            double[] before = a.toDoubleArray();

            backend.decompositions().symmetricEigen(a, values, vectors);

            assertThat(a.toDoubleArray()).as("the operand").isEqualTo(before);
            int n = (int) shape.size(-1);
            double[] eigenvalues = values.toDoubleArray();
            double[] basis = vectors.toDoubleArray();
            double[] product = new double[before.length];
            double[] gram = new double[before.length];
            double[] identity = new double[before.length];
            for (int i = 0; i < product.length; i++) {
                int first = i / (n * n) * n * n;
                int row = i % (n * n) / n;
                int column = i % n;
                identity[i] = row == column ? 1 : 0;
                for (int k = 0; k < n; k++) {
                    double left = basis[first + row * n + k];
                    product[i] += left * eigenvalues[first / n + k] * basis[first + column * n + k];
                    gram[i] += basis[first + k * n + row] * basis[first + k * n + column];
                }
            }
            Numbers.assertClose("V diag V^T of " + shape + " " + dtype, product, before, within(dtype));
            Numbers.assertClose("V^T V of " + shape + " " + dtype, gram, identity, within(dtype));
            for (int i = 0; i < eigenvalues.length; i++) {
                assertThat(i % n == 0 || eigenvalues[i - 1] <= eigenvalues[i])
                        .as("ascending eigenvalues")
                        .isTrue();
            }
        });
    }

    void someEigenvaluesAndVectorsAreThoseOfAll() {
        each(SHAPES, (scope, dtype, shape) -> {
            Tensor a = symmetric(scope, dtype, shape, 0);
            double[] before = a.toDoubleArray();
            int n = (int) shape.size(-1);
            Shape ofValues = shape.slice(0, shape.rank() - 1);
            Tensor all = dirty(scope, dtype, ofValues);
            backend.decompositions().symmetricEigen(a, all, dirty(scope, dtype, shape));
            Tensor alone = dirty(scope, dtype, ofValues);

            backend.decompositions().symmetricEigenvalues(a, alone);

            Numbers.assertClose(
                    "values alone of " + shape + " " + dtype,
                    alone.toDoubleArray(),
                    all.toDoubleArray(),
                    within(dtype));
            for (int count : new int[] {1, (n + 1) / 2, n}) {
                Tensor values = dirty(scope, dtype, ofValues.with(-1, count));
                Tensor vectors = dirty(scope, dtype, shape.with(-1, count));
                backend.decompositions().largestEigen(a, values, vectors);
                assertThat(a.toDoubleArray()).as("the operand").isEqualTo(before);
                requireLargest(dtype, before, all.toDoubleArray(), n, values.toDoubleArray(), vectors.toDoubleArray());
            }
        });
    }

    /** Values are the last of all, a v = λ v, and vectors are orthonormal. */
    private void requireLargest(
            DType dtype, double[] matrices, double[] all, int n, double[] values, double[] vectors) {
        int count = values.length * n / all.length;
        double[] expected = new double[values.length];
        double[] products = new double[vectors.length];
        double[] multiples = new double[vectors.length];
        double[] gram = new double[values.length * count];
        double[] identity = new double[gram.length];
        for (int i = 0; i < values.length; i++) {
            int matrix = i / count;
            int k = i % count;
            expected[i] = all[matrix * n + n - count + k];
            for (int row = 0; row < n; row++) {
                int place = (matrix * n + row) * count;
                multiples[place + k] = values[i] * vectors[place + k];
                for (int column = 0; column < n; column++) {
                    products[place + k] +=
                            matrices[(matrix * n + row) * n + column] * vectors[(matrix * n + column) * count + k];
                }
                for (int other = 0; other < count; other++) {
                    gram[i * count + other] += vectors[place + k] * vectors[place + other];
                }
            }
            identity[i * count + k] = 1;
        }
        String what = "the %d largest of %d, %s".formatted(count, n, dtype);
        Numbers.assertClose("values: " + what, values, expected, within(dtype));
        Numbers.assertClose("a v: " + what, products, multiples, within(dtype));
        Numbers.assertClose("v v: " + what, gram, identity, within(dtype));
    }

    void choleskyFactorsMakeTheMatrixAndAreTriangular() {
        each(SHAPES, (scope, dtype, shape) -> {
            Tensor a = symmetric(scope, dtype, shape, 1);
            double[] before = a.toDoubleArray();
            Tensor factor = dirty(scope, dtype, shape);

            backend.decompositions().cholesky(a, factor);

            assertThat(a.toDoubleArray()).as("the operand").isEqualTo(before);
            int n = (int) shape.size(-1);
            double[] entries = factor.toDoubleArray();
            double[] product = new double[entries.length];
            for (int i = 0; i < product.length; i++) {
                int first = i / (n * n) * n * n;
                int row = i % (n * n) / n;
                int column = i % n;
                assertThat(column <= row || entries[i] == 0)
                        .as("zero above the diagonal")
                        .isTrue();
                for (int k = 0; k < n; k++) {
                    product[i] += entries[first + row * n + k] * entries[first + column * n + k];
                }
            }
            Numbers.assertClose("L L^T of " + shape + " " + dtype, product, before, within(dtype));
        });
    }

    void largeFactorsMakeTheMatrix() {
        each(LARGE, (scope, dtype, shape) -> {
            Tensor a = symmetric(scope, dtype, shape, 1);
            Tensor factor = dirty(scope, dtype, shape);
            backend.decompositions().cholesky(a, factor);
            Tensor product = dirty(scope, dtype, shape);
            backend.products().multiply(factor, false, factor, true, 1, 0, product);
            Numbers.assertClose(
                    "L L^T of " + shape + " " + dtype, product.toDoubleArray(), a.toDoubleArray(), within(dtype));
        });
    }

    void inversesInvert() {
        List<Shape> shapes = new ArrayList<>(SHAPES);
        shapes.addAll(LARGE);
        each(shapes, (scope, dtype, shape) -> {
            Tensor a = symmetric(scope, dtype, shape, 1);
            Tensor factor = dirty(scope, dtype, shape);
            backend.decompositions().cholesky(a, factor);
            double[] before = factor.toDoubleArray();
            Tensor inverse = dirty(scope, dtype, shape);

            backend.decompositions().choleskyInverse(factor, inverse);

            assertThat(factor.toDoubleArray()).as("the operand").isEqualTo(before);
            Tensor product = dirty(scope, dtype, shape);
            backend.products().multiply(a, false, inverse, false, 1, 0, product);
            Numbers.assertClose(
                    "A A^-1 of " + shape + " " + dtype,
                    product.toDoubleArray(),
                    identity(shape, 1),
                    10 * within(dtype));
            double[] entries = inverse.toDoubleArray();
            Numbers.assertClose("symmetric", transposed(entries, shape), entries, within(dtype));
        });
    }

    void operandsMayBeDestinations() {
        List<Shape> shapes = new ArrayList<>(SHAPES);
        shapes.addAll(LARGE);
        each(shapes, (scope, dtype, shape) -> {
            Tensor a = symmetric(scope, dtype, shape, 1);
            Tensor factor = dirty(scope, dtype, shape);
            Tensor inverse = dirty(scope, dtype, shape);
            backend.decompositions().cholesky(a, factor);
            backend.decompositions().choleskyInverse(factor, inverse);

            backend.decompositions().cholesky(a, a);
            assertThat(a.toDoubleArray()).as("the factor in place").isEqualTo(factor.toDoubleArray());
            backend.decompositions().choleskyInverse(a, a);
            assertThat(a.toDoubleArray()).as("the inverse in place").isEqualTo(inverse.toDoubleArray());
        });
    }

    /** As of matrices near 1, times a power of two. */
    void veryLargeAndVerySmallNumbersAreDecomposed() {
        each(SHAPES, (scope, dtype, shape) -> {
            for (int exponent : dtype == DType.FLOAT32 ? new int[] {-100, 100} : new int[] {-600, 600}) {
                double scale = Math.scalb(1.0, exponent);
                Tensor a = symmetric(scope, dtype, shape, 1);
                double[] unscaled = a.toDoubleArray();
                double[] scaled =
                        Arrays.stream(unscaled).map(value -> value * scale).toArray();
                Tensor large = backend.upload(scope, shape, dtype, scaled);
                Shape rows = shape.slice(0, shape.rank() - 1);
                Tensor[] values = {dirty(scope, dtype, rows), dirty(scope, dtype, rows)};
                Tensor[] inverses = {dirty(scope, dtype, shape), dirty(scope, dtype, shape)};
                for (int i = 0; i < 2; i++) {
                    Tensor matrix = i == 0 ? a : large;
                    backend.decompositions().symmetricEigen(matrix, values[i], dirty(scope, dtype, shape));
                    Tensor factor = dirty(scope, dtype, shape);
                    backend.decompositions().cholesky(matrix, factor);
                    backend.decompositions().choleskyInverse(factor, inverses[i]);
                }
                String what = " of " + shape + " " + dtype + " times 2^" + exponent;
                Numbers.assertClose(
                        "eigenvalues" + what,
                        Arrays.stream(values[1].toDoubleArray())
                                .map(value -> value / scale)
                                .toArray(),
                        values[0].toDoubleArray(),
                        within(dtype));
                Numbers.assertClose(
                        "the inverse" + what,
                        Arrays.stream(inverses[1].toDoubleArray())
                                .map(value -> value * scale)
                                .toArray(),
                        inverses[0].toDoubleArray(),
                        10 * within(dtype));
            }
        });
    }

    void diagonalsAreTakenAndPut() {
        List<Shape> shapes = new ArrayList<>(SHAPES);
        shapes.addAll(EMPTY);
        each(shapes, (scope, dtype, shape) -> {
            double[] entries = rounded(shape.elements());
            Tensor matrices = backend.upload(scope, shape, dtype, entries);
            Shape rows = shape.slice(0, shape.rank() - 1);
            Tensor diagonal = dirty(scope, dtype, rows);

            backend.indexing().extractDiagonal(matrices, diagonal);
            double[] taken = diagonal.toDoubleArray();
            double[] put = rounded(rows.elements());
            backend.indexing().insertDiagonal(backend.upload(scope, rows, dtype, put), matrices);

            int n = (int) shape.size(-1);
            for (int i = 0; i < taken.length; i++) {
                int place = i * n + i % n;
                assertThat(taken[i]).as("element %d of the diagonal", i).isEqualTo(entries[place]);
                entries[place] = put[i];
            }
            assertThat(matrices.toDoubleArray()).as("matrices of %s", shape).isEqualTo(entries);
        });
    }

    void solutionsSolve() {
        each(SHAPES, (scope, dtype, shape) -> {
            Tensor a = symmetric(scope, dtype, shape, 1);
            Tensor factor = dirty(scope, dtype, shape);
            backend.decompositions().cholesky(a, factor);
            Shape rows = shape.with(-2, 3);
            double[] wanted = rounded(rows.elements());
            Tensor right = backend.upload(scope, rows, dtype, wanted);
            Tensor solution = dirty(scope, dtype, rows);

            backend.decompositions().choleskySolve(factor, right, solution);

            Tensor product = dirty(scope, dtype, rows);
            backend.products().multiply(solution, false, a, false, 1, 0, product);
            Numbers.assertClose(
                    "solutions of " + shape + " " + dtype, product.toDoubleArray(), wanted, 10 * within(dtype));
        });
    }

    void theUpperTriangleDoesNotMatter() {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = Shape.of(2, 2);
            Tensor a = backend.upload(scope, shape, DType.FLOAT64, new double[] {4, 99, 2, 5});
            Tensor factor = dirty(scope, DType.FLOAT64, shape);
            Tensor values = dirty(scope, DType.FLOAT64, Shape.of(2));
            Tensor vectors = dirty(scope, DType.FLOAT64, shape);

            backend.decompositions().cholesky(a, factor);
            backend.decompositions().symmetricEigen(a, values, vectors);

            Numbers.assertClose("L", factor.toDoubleArray(), new double[] {2, 0, 1, 2}, 1e-14);
            double root = Math.sqrt(17);
            double[] expected = {(9 - root) / 2, (9 + root) / 2};
            Numbers.assertClose("values", values.toDoubleArray(), expected, 1e-14);
        }
    }

    void nothingIsDecomposedIntoNothing() {
        each(EMPTY, (scope, dtype, shape) -> {
            Tensor a = scope.allocate(shape, dtype);
            Tensor values = scope.allocate(shape.slice(0, shape.rank() - 1), dtype);
            backend.decompositions().symmetricEigen(a, values, scope.allocate(shape, dtype));
            backend.decompositions().cholesky(a, scope.allocate(shape, dtype));
            Shape rows = shape.with(-2, 3);
            backend.decompositions().choleskySolve(a, scope.allocate(rows, dtype), scope.allocate(rows, dtype));
            backend.decompositions().choleskyInverse(a, scope.allocate(shape, dtype));
        });
    }

    void whatIsNotPositiveDefiniteIsRefused() {
        double[][] matrices = {{-1}, {0}, {1, 2, 2, 1}, {0, 0, 0, 0}};
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            for (double[] matrix : matrices) {
                try (TensorScope scope = backend.openScope()) {
                    int n = (int) Math.round(Math.sqrt(matrix.length));
                    Tensor a = backend.upload(scope, Shape.of(n, n), dtype, matrix);
                    Tensor factor = scope.allocate(Shape.of(n, n), dtype);
                    assertThatThrownBy(() -> backend.decompositions().cholesky(a, factor))
                            .isInstanceOf(BackpackException.class)
                            .hasMessageContaining("[NotPositiveDefinite]")
                            .hasMessageContaining("damping");
                }
            }
        }
    }

    void whatIsNotFiniteIsRefused() {
        for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            try (TensorScope scope = backend.openScope()) {
                Shape shape = Shape.of(2, 2);
                Tensor a = backend.upload(scope, shape, DType.FLOAT64, new double[] {1, 0, wrong, 1});
                Tensor target = scope.allocate(shape, DType.FLOAT64);
                Tensor values = scope.allocate(Shape.of(2), DType.FLOAT64);
                assertThatThrownBy(() -> backend.decompositions().cholesky(a, target))
                        .hasMessageContaining("[NotFinite]");
                assertThatThrownBy(() -> backend.decompositions().symmetricEigen(a, values, target))
                        .hasMessageContaining("[NotFinite]");
                assertThatThrownBy(() -> backend.decompositions().symmetricEigenvalues(a, values))
                        .hasMessageContaining("[NotFinite]");
                assertThatThrownBy(() -> backend.decompositions().largestEigen(a, values, target))
                        .hasMessageContaining("[NotFinite]");
            }
        }
    }

    /** B Bᵀ/n plus a multiple of the identity. */
    private Tensor symmetric(TensorScope scope, DType dtype, Shape shape, double diagonal) {
        Tensor root = backend.upload(scope, shape, dtype, rounded(shape.elements()));
        int n = (int) shape.size(-1);
        Tensor a = backend.upload(scope, shape, dtype, identity(shape, diagonal));
        backend.products().multiply(root, false, root, true, 1.0 / n, 1, a);
        // Both triangles are the same to the last bit.
        double[] entries = a.toDoubleArray();
        for (int i = 0; i < entries.length; i++) {
            int first = i / (n * n) * n * n;
            int row = i % (n * n) / n;
            int column = i % n;
            entries[i] = entries[first + Math.max(row, column) * n + Math.min(row, column)];
        }
        a.write(0, entries, 0, entries.length);
        return a;
    }

    private static double[] identity(Shape shape, double diagonal) {
        int n = (int) shape.size(-1);
        double[] identity = new double[(int) shape.elements()];
        for (int i = 0; i < identity.length; i++) {
            identity[i] = i % (n * n) / n == i % n ? diagonal : 0;
        }
        return identity;
    }

    private static double[] transposed(double[] matrices, Shape shape) {
        int n = (int) shape.size(-1);
        double[] transposed = new double[matrices.length];
        for (int i = 0; i < matrices.length; i++) {
            transposed[i / (n * n) * n * n + i % n * n + i % (n * n) / n] = matrices[i];
        }
        return transposed;
    }

    private double within(DType dtype) {
        return STEPS * tolerance.applyAsDouble(dtype);
    }

    private double[] rounded(long count) {
        double[] values = Randomness.normal(random, count);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) values[i];
        }
        return values;
    }

    private Tensor dirty(TensorScope scope, DType dtype, Shape shape) {
        Tensor tensor = scope.allocate(shape, dtype);
        backend.elementwise().fill(tensor, Double.NaN);
        return tensor;
    }
}
