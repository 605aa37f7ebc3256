// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.Numbers;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CurvatureOperatorTest extends OperatorTestBase {

    record Case(Class<? extends CurvatureMatrix> matrix, Function<Objective, CurvatureOperator> create) {
        @Override
        public String toString() {
            return matrix.getSimpleName();
        }
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case(CurvatureMatrix.Hessian.class, HessianOperator::of),
                new Case(CurvatureMatrix.GaussNewton.class, GgnOperator::exact),
                new Case(CurvatureMatrix.SampledGaussNewton.class, objective -> GgnOperator.sampled(objective, 3)),
                new Case(CurvatureMatrix.EmpiricalFisher.class, EmpiricalFisherOperator::of),
                new Case(
                        CurvatureMatrix.PositiveCurvature.class,
                        objective -> PositiveCurvatureOperator.of(objective, CurvatureMatrix.Projection.ABS)));
    }

    private RealMatrix dense(LinearOperator operator) {
        Tensor identity = upload(MatrixUtils.createRealIdentityMatrix((int) operator.columns()));
        return Matrices.matrix(product(operator, identity)).transpose();
    }

    private static void assertEqual(RealMatrix actual, RealMatrix expected) {
        assertThat(actual.getColumnDimension()).isEqualTo(expected.getColumnDimension());
        Numbers.assertClose("matrix", Matrices.flat(actual), Matrices.flat(expected), 1e-12);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void productsAreThoseOfTheLossOverAllSamples(Case c) {
        for (int[] samples : new int[][] {{4}, {3, 5}, {1, 2, 6}}) {
            FakeNetwork network = new FakeNetwork(backend, random, samples);
            try (CurvatureOperator operator = c.create.apply(network.objective())) {
                assertThat(operator.rows()).isEqualTo(FakeNetwork.SIZE);
                assertThat(operator.dtype()).isEqualTo(DType.FLOAT64);
                assertThat(network.made()).isEqualTo(samples.length);
                assertThat(network.open()).isEqualTo(samples.length == 1 ? 1 : 0);
                RealMatrix expected = network.expected(c.matrix);
                assertEqual(dense(operator), expected);
                Tensor x = normal(3, FakeNetwork.SIZE);
                assertEqual(
                        Matrices.matrix(product(operator, x)),
                        Matrices.matrix(x).multiply(expected));
                assertThat(network.made()).isEqualTo(samples.length == 1 ? 1 : 3 * samples.length);
                assertThat(network.open()).isEqualTo(samples.length == 1 ? 1 : 0);
            }
            assertThat(network.open()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void someParametersHaveABlock(Case c) {
        FakeNetwork network = new FakeNetwork(backend, random, 2, 3);
        // 0.weight has places 0 to 5, 0.bias 6 to 8, 1.weight 9 to 12, scale 13.
        try (CurvatureOperator operator = c.create.apply(network.objective().only("*.weight", "scale"))) {
            assertThat(operator.layout().names()).containsExactly("0.weight", "1.weight", "scale");
            int[] places = IntStream.range(0, 14).filter(i -> i < 6 || i > 8).toArray();
            assertEqual(dense(operator), network.expected(c.matrix).getSubMatrix(places, places));
        }
    }

    @Test
    void seedsAndOptionsArePassedOn() {
        FakeNetwork network = new FakeNetwork(backend, random, 2);
        PassOptions options = PassOptions.DEFAULT.chunk(1);
        GgnOperator.sampled(network.objective().seed(7).options(options), 2).close();
        assertThat(network.lastSeed()).isEqualTo(7);
        assertThat(network.lastOptions()).isEqualTo(options);
    }

    @Test
    void theJacobianAndItsTransposeAreStackedOverBatches() {
        for (int[] samples : new int[][] {{4}, {3, 1, 2}}) {
            FakeNetwork network = new FakeNetwork(backend, random, samples);
            RealMatrix expected = network.expectedJacobian();
            try (JacobianOperator jacobian = JacobianOperator.of(network.objective());
                    JacobianOperator part =
                            JacobianOperator.of(network.objective().only("0.bias"))) {
                assertThat(jacobian.rows()).isEqualTo(expected.getRowDimension());
                assertThat(jacobian.outputShapes()).hasSize(samples.length);
                assertThat(jacobian.outputShapes().get(0)).isEqualTo(FakeNetwork.OUT.prepend(samples[0]));
                LinearOperator transposed = jacobian.transposed();
                assertThat(transposed.columns()).isEqualTo(jacobian.rows());
                assertEqual(dense(jacobian), expected);
                assertEqual(dense(transposed), expected.transpose());
                int[] all = IntStream.range(0, expected.getRowDimension()).toArray();
                assertEqual(dense(part), expected.getSubMatrix(all, new int[] {6, 7, 8}));
                assertEqual(
                        dense(part.transposed()),
                        expected.getSubMatrix(all, new int[] {6, 7, 8}).transpose());
                assertThat(jacobian.dtype()).isEqualTo(transposed.dtype());
            }
            assertThat(network.open()).isZero();
        }
    }

    @Test
    void operatorsCombine() {
        RealMatrix left = Matrices.normal(random, 4, 4);
        RealMatrix right = Matrices.normal(random, 4, 4);
        LinearOperator combined =
                operator(left).scaled(-2).plus(operator(right)).damped(0.3);
        RealMatrix expected = left.scalarMultiply(-2)
                .add(right)
                .add(MatrixUtils.createRealIdentityMatrix(4).scalarMultiply(0.3));
        assertEqual(dense(combined), expected);
        assertThat(combined.rows()).isEqualTo(4);
        assertThat(combined.dtype()).isEqualTo(DType.FLOAT64);
        LinearOperator wide = operator(Matrices.normal(random, 2, 3)).scaled(2);
        assertThat(List.of(wide.rows(), wide.columns())).containsExactly(2L, 3L);
        refused("ShapeMismatch", () -> wide.plus(combined));
        refused("NotSquare", () -> wide.damped(1));
    }

    @Test
    void wrongArgumentsAreRefused() {
        FakeNetwork network = new FakeNetwork(backend, random, 2);
        Objective objective = network.objective();
        HessianOperator operator = HessianOperator.of(objective);
        Tensor good = normal(2, FakeNetwork.SIZE);
        refused("ShapeMismatch", () -> operator.multiply(normal(2, 3), good));
        refused("ShapeMismatch", () -> operator.multiply(good, normal(2, 3)));
        refused("ShapeMismatch", () -> operator.multiply(good, normal(1, FakeNetwork.SIZE)));
        Tensor single = scope.allocate(Shape.of(2, FakeNetwork.SIZE), DType.FLOAT32);
        refused("ShapeMismatch", () -> operator.multiply(good, single));
        operator.close();
        refused("ClosedOperator", () -> operator.multiply(normal(2, FakeNetwork.SIZE), good));
        refused("NoParameters", () -> HessianOperator.of(objective.only("0.*", "2.*")));
        refused("NoParameters", () -> HessianOperator.of(objective.only()));
        assertThat(network.open()).isZero();
        refused("InvalidArgument", () -> HessianOperator.of(new FakeNetwork(backend, random).objective()));
    }

    private static void refused(String id, Runnable use) {
        assertThatThrownBy(use::run).isInstanceOf(BackpackException.class).hasMessageContaining("[" + id + "]");
    }
}
