package io.backpack4j.backend.cuda;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import org.apache.commons.math3.exception.MaxCountExceededException;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.CholeskyDecomposition;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.NonPositiveDefiniteMatrixException;
import org.apache.commons.math3.linear.RealMatrix;

/**
 * Decompositions on the host, by Commons Math in double precision: matrices go there and back. They are wanted once per matrix after a pass,
 * not within one, and so do not count as round trips of a pass; cuSOLVER would be one more library to install. Solving with a factor,
 * which may be wanted often, stays on the device.
 */
final class CudaDecompositions implements Decompositions {

    private final CudaBackend backend;

    CudaDecompositions(CudaBackend backend) {
        this.backend = backend;
    }

    @Override
    public void symmetricEigen(Tensor a, Tensor values, Tensor vectors) {
        CudaTensor matrices = backend.own(a);
        CudaTensor targets = backend.own(values);
        CudaTensor bases = backend.own(vectors);
        int n = order(matrices);
        for (long matrix = 0; matrix < count(matrices); matrix++) {
            EigenDecomposition eigen;
            try {
                eigen = new EigenDecomposition(symmetric(matrices, matrix, n));
            } catch (MaxCountExceededException e) {
                throw new BackpackException(
                        "NotConverged",
                        "The eigenvalues of matrix %d of %d rows did not converge. Use float64.".formatted(matrix, n),
                        e);
            }
            double[] sorted = new double[n];
            double[] columns = new double[n * n];
            for (int i = 0; i < n; i++) {
                // Commons Math sorts the other way.
                int from = n - 1 - i;
                sorted[i] = eigen.getRealEigenvalue(from);
                double[] vector = eigen.getEigenvector(from).toArray();
                for (int row = 0; row < n; row++) {
                    columns[row * n + i] = vector[row];
                }
            }
            targets.write(matrix * n, sorted, 0, n);
            bases.write(matrix * n * n, columns, 0, n * n);
        }
    }

    @Override
    public void cholesky(Tensor a, Tensor destination) {
        CudaTensor matrices = backend.own(a);
        CudaTensor target = backend.own(destination);
        int n = order(matrices);
        for (long matrix = 0; matrix < count(matrices); matrix++) {
            RealMatrix factor;
            try {
                factor = new CholeskyDecomposition(symmetric(matrices, matrix, n), 0, 0).getL();
            } catch (NonPositiveDefiniteMatrixException e) {
                throw new BackpackException(
                        "NotPositiveDefinite",
                        "Matrix %d of %d rows is not positive definite. Add damping.".formatted(matrix, n),
                        e);
            }
            double[] rows = new double[n * n];
            for (int row = 0; row < n; row++) {
                System.arraycopy(factor.getRow(row), 0, rows, row * n, n);
            }
            target.write(matrix * n * n, rows, 0, n * n);
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

    private static int order(CudaTensor matrices) {
        return Math.toIntExact(matrices.size(-1));
    }

    /** How many matrices with elements there are. */
    private static long count(CudaTensor matrices) {
        Shape shape = matrices.shape();
        return matrices.elements == 0 ? 0 : shape.elements(0, shape.rank() - 2);
    }

    /** One matrix, from its lower triangle. */
    private static RealMatrix symmetric(CudaTensor matrices, long matrix, int n) {
        double[] entries = new double[Math.multiplyExact(n, n)];
        matrices.read(matrix * n * n, entries, 0, entries.length);
        double[][] rows = new double[n][n];
        for (int row = 0; row < n; row++) {
            for (int column = 0; column <= row; column++) {
                double entry = entries[row * n + column];
                if (!Double.isFinite(entry)) {
                    throw new BackpackException(
                            "NotFinite",
                            "Entry [%d, %d] of matrix %d to be decomposed is %s. Check the inputs and parameters."
                                    .formatted(row, column, matrix, entry));
                }
                rows[row][column] = entry;
                rows[column][row] = entry;
            }
        }
        return new Array2DRowRealMatrix(rows, false);
    }
}
