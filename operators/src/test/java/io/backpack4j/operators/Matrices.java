// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.util.Arrays;
import java.util.Random;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.RealMatrix;

/** Dense matrices, by a library that no operator uses. */
final class Matrices {

    private Matrices() {}

    static RealMatrix normal(Random random, int rows, int columns) {
        RealMatrix matrix = new Array2DRowRealMatrix(rows, columns);
        for (int i = 0; i < rows; i++) {
            matrix.setRow(i, Randomness.normal(random, columns));
        }
        return matrix;
    }

    /** A symmetric matrix with these eigenvalues and random eigenvectors. */
    static RealMatrix withEigenvalues(Random random, double... values) {
        RealMatrix q = new QRDecomposition(normal(random, values.length, values.length)).getQ();
        return symmetric(
                q.multiply(MatrixUtils.createRealDiagonalMatrix(values)).multiply(q.transpose()));
    }

    /** The symmetric part: products of matrices are symmetric up to rounding only. */
    static RealMatrix symmetric(RealMatrix matrix) {
        return matrix.add(matrix.transpose()).scalarMultiply(0.5);
    }

    /** G Gᵀ of a normal G: positive semidefinite. */
    static RealMatrix semidefinite(Random random, int size, int rank) {
        RealMatrix g = normal(random, size, rank);
        return symmetric(g.multiply(g.transpose()));
    }

    /** Ascending. */
    static double[] eigenvalues(RealMatrix symmetric) {
        double[] values = new EigenDecomposition(symmetric).getRealEigenvalues();
        Arrays.sort(values);
        return values;
    }

    static double[] flat(RealMatrix matrix) {
        return Arrays.stream(matrix.getData()).flatMapToDouble(Arrays::stream).toArray();
    }

    static RealMatrix matrix(Tensor tensor) {
        int rows = (int) tensor.shape().size(0);
        int columns = (int) (tensor.shape().elements() / Math.max(1, rows));
        double[] entries = tensor.toDoubleArray();
        RealMatrix matrix = new Array2DRowRealMatrix(rows, columns);
        for (int i = 0; i < rows; i++) {
            matrix.setRow(i, Arrays.copyOfRange(entries, i * columns, (i + 1) * columns));
        }
        return matrix;
    }

    static Tensor upload(Backend backend, TensorScope scope, DType dtype, RealMatrix matrix) {
        Shape shape = Shape.of(matrix.getRowDimension(), matrix.getColumnDimension());
        return backend.upload(scope, shape, dtype, flat(matrix));
    }
}
