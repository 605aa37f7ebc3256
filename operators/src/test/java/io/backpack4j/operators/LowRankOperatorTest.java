// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.QRDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;

class LowRankOperatorTest extends OperatorTestBase {

    private static final double DAMPING = 0.3;

    private final double[] eigenvalues = {0.5, 2, -0.1};
    private final RealMatrix vectors =
            new QRDecomposition(Matrices.normal(random, 7, 3)).getQ().getSubMatrix(0, 6, 0, 2);
    private final RealMatrix dense =
            vectors.multiply(MatrixUtils.createRealDiagonalMatrix(eigenvalues)).multiply(vectors.transpose());
    private final LowRankOperator operator = LowRankOperator.of(backend, eigenvalues, upload(vectors.transpose()));

    private void assertProducts(LinearOperator actual, RealMatrix expected) {
        Tensor x = normal(2, 7);
        double[] all = x.toDoubleArray();
        double[] products = product(actual, x).toDoubleArray();
        for (int v = 0; v < 2; v++) {
            double[] row = expected.operate(Arrays.copyOfRange(all, v * 7, v * 7 + 7));
            assertThat(Arrays.copyOfRange(products, v * 7, v * 7 + 7)).containsExactly(row, within(1e-12));
        }
    }

    @Test
    void products_and_inverses_are_those_of_the_dense_matrix() {
        assertThat(operator.rank()).isEqualTo(3);
        assertProducts(operator, dense);
        RealMatrix damped = dense.add(MatrixUtils.createRealIdentityMatrix(7).scalarMultiply(DAMPING));
        assertProducts(operator.damped(DAMPING), damped);
        assertProducts(operator.dampedInverse(DAMPING), MatrixUtils.inverse(damped));
        double determinant = new LUDecomposition(damped).getDeterminant();
        assertThat(operator.logDeterminant(DAMPING)).isCloseTo(Math.log(determinant), within(1e-12));
    }

    @Test
    void eigenvectors_may_be_of_parameters() {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        shapes.put("a", Shape.of(2, 2));
        shapes.put("b", Shape.of(3));
        ParameterLayout layout = ParameterLayout.of(backend, DType.FLOAT64, shapes);
        Map<String, Tensor> parts = layout.split(scope, upload(vectors.transpose()));
        Tensor values = backend.upload(scope, Shape.of(3), DType.FLOAT64, eigenvalues);
        assertProducts(LowRankOperator.of(scope, layout, values, parts), dense);
    }

    @Test
    void what_makes_no_operator_is_refused() {
        Tensor two = upload(vectors.transpose().getSubMatrix(0, 1, 0, 6));
        assertThatThrownBy(() -> LowRankOperator.of(backend, eigenvalues, two))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("of 3 eigenvalues needs eigenvectors [3, size], but has [2, 7]");
        assertThatThrownBy(() -> LowRankOperator.of(backend, new double[] {1, Double.NaN}, two))
                .hasMessageContaining("finite eigenvalues, but has NaN");
        for (double wrong : new double[] {0, -1, 0.05, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> operator.dampedInverse(wrong)).hasMessageContaining("The damping is " + wrong);
            assertThatThrownBy(() -> operator.logDeterminant(wrong)).hasMessageContaining("positive definite");
        }
    }
}
