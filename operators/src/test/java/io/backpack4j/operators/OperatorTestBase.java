// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Random;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.AfterEach;

/** A backend, a scope, and the check that nothing else is open at the end. */
abstract class OperatorTestBase {

    final HeapBackend backend = new HeapBackend();
    final TensorScope scope = backend.openScope();
    final Random random = Randomness.of(getClass().getName());

    @AfterEach
    void closeAll() {
        scope.close();
        assertThat(backend.openScopes()).as("open scopes").isZero();
        backend.close();
    }

    DenseOperator operator(RealMatrix matrix) {
        return new DenseOperator(backend, DType.FLOAT64, matrix);
    }

    Tensor upload(RealMatrix matrix) {
        return Matrices.upload(backend, scope, DType.FLOAT64, matrix);
    }

    Tensor upload(double[]... rows) {
        return upload(new Array2DRowRealMatrix(rows));
    }

    Tensor normal(long count, long length) {
        return upload(Matrices.normal(random, (int) count, (int) length));
    }

    Tensor product(LinearOperator operator, Tensor x) {
        Tensor product = scope.allocate(x.shape().with(1, operator.rows()), operator.dtype());
        operator.multiply(x, product);
        return product;
    }
}
