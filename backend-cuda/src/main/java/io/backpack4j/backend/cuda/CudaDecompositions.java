// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import org.apache.commons.math3.exception.MaxCountExceededException;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.RealMatrix;

/**
 * Eigendecompositions on the host, by Commons Math in double precision: matrices go there and back. They are wanted
 * once per matrix after a pass, not within one, and so do not count as round trips of a pass; cuSOLVER would be one
 * more library to install. Cholesky factors, solutions and inverses stay on the device.
 */
final class CudaDecompositions implements Decompositions {

    /** Number of squares of double precision that Commons Math has at once. */
    private static final long SQUARES = 6;

    private final CudaBackend backend;

    CudaDecompositions(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void symmetricEigen(Tensor a, Tensor values, Tensor vectors) {
        CudaTensor matrices = backend.own(a);
        CudaTensor targets = backend.own(values);
        CudaTensor bases = backend.own(vectors);
        int n = orderOnHost(matrices);
        double[] row = new double[n];
        for (long matrix = 0; matrix < count(matrices); matrix++) {
            double[][] rows = symmetric(matrices, matrix, n);
            double scale = normalise(rows);
            EigenDecomposition eigen;
            try {
                eigen = new EigenDecomposition(new Array2DRowRealMatrix(rows, false));
            } catch (MaxCountExceededException e) {
                throw new BackpackException(
                        CudaProblems.NOT_CONVERGED,
                        "The eigenvalues of matrix %d of %d rows did not converge. Use float64.".formatted(matrix, n),
                        e);
            }
            // Commons Math sorts the other way.
            for (int i = 0; i < n; i++) {
                row[i] = eigen.getRealEigenvalue(n - 1 - i) * scale;
            }
            targets.write(matrix * n, row, 0, n);
            RealMatrix columns = eigen.getV();
            for (int r = 0; r < n; r++) {
                for (int i = 0; i < n; i++) {
                    row[i] = columns.getEntry(r, n - 1 - i);
                }
                bases.write((matrix * n + r) * n, row, 0, n);
            }
        }
    }

    /** Divides by a power of two, so that squares neither overflow nor vanish, and returns it. */
    private static double normalise(double[]... rows) {
        double largest = 0;
        for (double[] row : rows) {
            for (double entry : row) {
                largest = Math.max(largest, Math.abs(entry));
            }
        }
        if (largest < Double.MIN_NORMAL) {
            return 1;
        }
        int exponent = Math.getExponent(largest);
        for (double[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                row[i] = Math.scalb(row[i], -exponent);
            }
        }
        return Math.scalb(1.0, exponent);
    }

    @Override
    public void cholesky(Tensor a, Tensor destination) {
        CudaTensor matrices = backend.own(a);
        CudaTensor target = backend.own(destination);
        if (!backend.reductions().allFinite(matrices)) {
            throw new BackpackException(
                    CommonProblems.NOT_FINITE,
                    "A matrix of shape %s has numbers that are not finite: it cannot be decomposed."
                            .formatted(matrices.shape()));
        }
        if (target.elements == 0) {
            return;
        }
        if (matrices.address() != target.address()) {
            backend.elementwise().copy(matrices, target);
        }
        long n = target.size(-1);
        try (CudaScope scope = backend.openScope()) {
            new BlockedCholesky(backend).decompose(scope.view(target, Shape.of(target.elements / n / n, n, n)));
        }
    }

    @Override
    public void choleskySolve(Tensor factor, Tensor right, Tensor destination) {
        CudaTensor factors = backend.own(factor);
        CudaTensor target = backend.own(destination);
        backend.elementwise().copy(right, destination);
        if (target.elements > 0) {
            for (long matrix = 0; matrix < count(factors); matrix++) {
                backend.products().solve(factors, matrix, target);
            }
        }
    }

    private static int orderOnHost(CudaTensor matrices) {
        long n = matrices.size(-1);
        long heap = Runtime.getRuntime().maxMemory();
        if (n > 0 && n > heap / Double.BYTES / SQUARES / n) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "The eigenvalues of a matrix of %d rows are found on the host, which takes some %d bytes of Java heap for every element, and the heap has %d bytes. Give it more (-Xmx), or use the CPU backend, which takes native memory."
                            .formatted(n, SQUARES * Double.BYTES, heap));
        }
        return Math.toIntExact(n);
    }

    /** Number of matrices with elements. */
    private static long count(CudaTensor matrices) {
        Shape shape = matrices.shape();
        return matrices.elements == 0 ? 0 : shape.elements(0, shape.rank() - 2);
    }

    /** One matrix, from its lower triangle. */
    private static double[][] symmetric(CudaTensor matrices, long matrix, int n) {
        double[][] rows = new double[n][n];
        for (int row = 0; row < n; row++) {
            matrices.read((matrix * n + row) * n, rows[row], 0, row + 1);
            for (int column = 0; column <= row; column++) {
                double entry = rows[row][column];
                if (!Double.isFinite(entry)) {
                    throw new BackpackException(
                            CommonProblems.NOT_FINITE,
                            "Entry [%d, %d] of matrix %d to be decomposed is %s. Check the inputs and parameters."
                                    .formatted(row, column, matrix, entry));
                }
                rows[column][row] = entry;
            }
        }
        return rows;
    }
}
