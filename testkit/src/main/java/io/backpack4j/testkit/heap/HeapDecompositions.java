// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.heap;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.CholeskyDecomposition;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.NonPositiveDefiniteMatrixException;
import org.apache.commons.math3.linear.RealMatrix;

/** Decompositions by Commons Math, in double precision. */
final class HeapDecompositions implements Decompositions {

    private final HeapBackend backend;

    HeapDecompositions(HeapBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void symmetricEigen(Tensor a, Tensor values, Tensor vectors) {
        HeapTensor matrices = square(a);
        HeapTensor targets = backend.own(values);
        HeapTensor bases = backend.own(vectors);
        HeapChecks.floating(matrices, targets, bases);
        HeapChecks.shape(targets, a.shape().slice(0, a.shape().rank() - 1));
        HeapChecks.shape(bases, a.shape());
        HeapChecks.apart(targets, matrices, bases);
        HeapChecks.apart(bases, matrices);
        int n = order(a);
        for (int first = 0; first < matrices.size(); first += n * n) {
            RealMatrix matrix = symmetric(matrices, first, n);
            // A power of two, so that squares of very large or small numbers neither overflow nor vanish.
            double scale = Math.scalb(1.0, Math.max(-1000, Math.min(1000, Math.getExponent(matrix.getNorm()))));
            EigenDecomposition eigen = new EigenDecomposition(matrix.scalarMultiply(1 / scale));
            for (int i = 0; i < n; i++) {
                // Commons Math sorts the other way.
                int from = n - 1 - i;
                targets.set(first / n + i, eigen.getRealEigenvalue(from) * scale);
                for (int r = 0; r < n; r++) {
                    bases.set(first + r * n + i, eigen.getEigenvector(from).getEntry(r));
                }
            }
        }
    }

    @Override
    public void cholesky(Tensor a, Tensor destination) {
        HeapTensor matrices = square(a);
        HeapTensor target = backend.own(destination);
        HeapChecks.floating(matrices, target);
        HeapChecks.shape(target, a.shape());
        HeapChecks.inPlace(target, matrices);
        int n = order(a);
        for (int first = 0; first < matrices.size(); first += n * n) {
            RealMatrix factor;
            try {
                factor = new CholeskyDecomposition(symmetric(matrices, first, n), 0, 0).getL();
            } catch (NonPositiveDefiniteMatrixException e) {
                throw new BackpackException(
                        CommonProblems.NOT_POSITIVE_DEFINITE,
                        "Matrix %d of %d rows is not positive definite. Add damping.".formatted(first / n / n, n),
                        e);
            }
            for (int i = 0; i < n * n; i++) {
                target.set(first + i, factor.getEntry(i / n, i % n));
            }
        }
    }

    @Override
    public void choleskySolve(Tensor factor, Tensor right, Tensor destination) {
        HeapTensor factors = square(factor);
        HeapTensor rows = backend.own(right);
        HeapTensor target = backend.own(destination);
        HeapChecks.floating(factors, rows, target);
        HeapChecks.shape(rows, factor.shape().with(-2, right.shape().size(-2)));
        HeapChecks.shape(target, right.shape());
        HeapChecks.apart(target, factors, rows);
        int n = order(factor);
        int count = (int) right.shape().size(-2);
        for (int matrix = 0; matrix < factors.size() / Math.max(1, n * n); matrix++) {
            for (int row = 0; row < count; row++) {
                solve(factors, matrix * n * n, rows, target, (matrix * count + row) * n, n);
            }
        }
    }

    /** Forward through L, back through Lᵀ. */
    private static void solve(HeapTensor factor, int first, HeapTensor right, HeapTensor target, int start, int n) {
        double[] x = new double[n];
        for (int i = 0; i < n; i++) {
            double sum = right.get(start + i);
            for (int j = 0; j < i; j++) {
                sum -= factor.get(first + i * n + j) * x[j];
            }
            x[i] = sum / factor.get(first + i * n + i);
        }
        for (int i = n - 1; i >= 0; i--) {
            for (int j = i + 1; j < n; j++) {
                x[i] -= factor.get(first + j * n + i) * x[j];
            }
            x[i] /= factor.get(first + i * n + i);
            target.set(start + i, x[i]);
        }
    }

    private static RealMatrix symmetric(HeapTensor matrices, int first, int n) {
        double[][] entries = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                entries[i][j] = matrices.get(first + Math.max(i, j) * n + Math.min(i, j));
                if (!Double.isFinite(entries[i][j])) {
                    throw new BackpackException(
                            CommonProblems.NOT_FINITE,
                            "A matrix of shape %s has numbers that are not finite: it cannot be decomposed."
                                    .formatted(matrices.shape()));
                }
            }
        }
        return new Array2DRowRealMatrix(entries, false);
    }

    private HeapTensor square(Tensor tensor) {
        Shape shape = tensor.shape();
        HeapChecks.require(
                shape.rank() >= 2 && shape.size(-1) == shape.size(-2), "A tensor of shape %s is no matrix", shape);
        return backend.own(tensor);
    }

    private static int order(Tensor tensor) {
        return (int) tensor.shape().size(-1);
    }
}
