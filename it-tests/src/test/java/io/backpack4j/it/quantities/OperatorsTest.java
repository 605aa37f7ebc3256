// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static io.backpack4j.it.quantities.OperatorCases.flat;
import static io.backpack4j.it.quantities.OperatorCases.matrix;
import static io.backpack4j.it.quantities.OperatorCases.normal;
import static io.backpack4j.it.quantities.OperatorCases.places;
import static io.backpack4j.it.quantities.OperatorCases.withBatches;
import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.it.oracle.DenseCurvature;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.operators.CurvatureOperator;
import io.backpack4j.operators.EmpiricalFisherOperator;
import io.backpack4j.operators.GgnOperator;
import io.backpack4j.operators.HessianOperator;
import io.backpack4j.operators.JacobianOperator;
import io.backpack4j.operators.LinearOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.operators.PositiveCurvatureOperator;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Operators over batches of random networks against dense matrices of the loss over all samples. */
class OperatorsTest {

    private static final int NETWORKS = Integer.getInteger("backpack.it.networks", 12);
    private static final int VECTORS = 3;

    @ParameterizedTest
    @EnumSource
    void products_are_those_of_the_loss_over_all_batches(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (int network = 0; network < NETWORKS; network++) {
                Problem problem = ProductsTest.problem(3000L + network);
                Random random = new Random(network);
                DenseCurvature dense = new DenseCurvature(problem);
                String one =
                        problem.trained().get(random.nextInt(problem.trained().size()));
                for (String parameters : List.of("*", one)) {
                    withBatches(passes, problem, 1 + network % 3, objective -> {
                        Objective some = objective.only(parameters);
                        String what = parameters + " of " + problem.model();
                        compare(setting, what, HessianOperator.of(some), dense, dense.hessian(), random);
                        compare(setting, what, GgnOperator.exact(some), dense, dense.gaussNewton(), random);
                        compare(
                                setting,
                                what,
                                EmpiricalFisherOperator.of(some),
                                dense,
                                dense.empiricalFisher(),
                                random);
                        var clip = PositiveCurvatureOperator.of(some, CurvatureMatrix.Projection.CLIP);
                        RealMatrix clipped = dense.positiveCurvature(value -> Math.max(0, value));
                        compare(setting, what, clip, dense, clipped, random);
                        compareJacobian(setting, what, JacobianOperator.of(some), dense, random);
                    });
                }
            }
        }
    }

    private static void compare(
            Setting setting,
            String what,
            CurvatureOperator operator,
            DenseCurvature dense,
            RealMatrix expected,
            Random random) {
        try (operator) {
            int[] places = places(dense, operator.layout());
            compare(setting, what, operator, expected.getSubMatrix(places, places), random);
        }
    }

    private static void compareJacobian(
            Setting setting, String what, JacobianOperator operator, DenseCurvature dense, Random random) {
        try (operator) {
            RealMatrix jacobian = dense.jacobian();
            int[] rows = IntStream.range(0, jacobian.getRowDimension()).toArray();
            RealMatrix expected = jacobian.getSubMatrix(rows, places(dense, operator.layout()));
            compare(setting, what, operator, expected, random);
            compare(setting, what, operator.transposed(), expected.transpose(), random);
        }
    }

    private static void compare(
            Setting setting, String what, LinearOperator operator, RealMatrix expected, Random random) {
        assertThat(operator.rows()).isEqualTo(expected.getRowDimension());
        try (TensorScope scope = operator.backend().openScope()) {
            Tensor x = normal(scope, operator, VECTORS, random);
            Tensor product = scope.allocate(Shape.of(VECTORS, operator.rows()), operator.dtype());
            operator.multiply(x, product);
            RealMatrix products = matrix(x).multiply(expected.transpose());
            setting.assertClose(what, product.toDoubleArray(), flat(products));
        }
    }

    /** Draws are those of the samples, whatever batch they are in. */
    @Test
    void sampled_products_do_not_depend_on_batches() {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 9);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            List<double[]> products = new ArrayList<>();
            for (int batches : new int[] {1, 2, 4, 1}) {
                long seed = products.size() == 3 ? 8 : 7;
                withBatches(passes, problem, batches, objective -> {
                    try (GgnOperator operator = GgnOperator.sampled(objective.seed(seed), 2);
                            TensorScope scope = operator.backend().openScope()) {
                        Tensor x = normal(scope, operator, 2, new Random(1));
                        Tensor product = scope.allocate(x.shape(), x.dtype());
                        operator.multiply(x, product);
                        double[] first = product.toDoubleArray();
                        operator.multiply(x, product);
                        assertThat(product.toDoubleArray())
                                .as("the same matrix again")
                                .isEqualTo(first);
                        products.add(first);
                    }
                });
            }
            Setting.FLOAT64.assertClose("two batches", products.get(1), products.get(0));
            Setting.FLOAT64.assertClose("four batches", products.get(2), products.get(0));
            assertThat(products.get(3)).isNotEqualTo(products.get(0));
        }
    }
}
