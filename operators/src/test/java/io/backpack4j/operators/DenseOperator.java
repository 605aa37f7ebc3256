// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import org.apache.commons.math3.linear.RealMatrix;

/** Multiplies with a matrix on the host, in double precision; counts vectors. */
final class DenseOperator implements LinearOperator {

    private final Backend backend;
    private final DType dtype;
    private final RealMatrix matrix;
    private int vectors;

    DenseOperator(Backend backend, DType dtype, RealMatrix matrix) {
        this.backend = backend;
        this.dtype = dtype;
        this.matrix = matrix;
    }

    /** How many vectors were multiplied. */
    int vectors() {
        return vectors;
    }

    @Override
    public long rows() {
        return matrix.getRowDimension();
    }

    @Override
    public long columns() {
        return matrix.getColumnDimension();
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void multiply(Tensor x, Tensor destination) {
        Vectors.check(this, x, destination);
        double[] products = Matrices.flat(Matrices.matrix(x).multiply(matrix.transpose()));
        destination.write(0, products, 0, products.length);
        vectors += (int) x.shape().size(0);
    }
}
