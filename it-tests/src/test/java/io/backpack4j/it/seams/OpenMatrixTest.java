// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.operators.CurvatureOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A curvature matrix that the kernel has never heard of, and a loss that fails whoever calls it. */
class OpenMatrixTest {

    private static final int N = 3;

    /** Σ_n J_nᵀ J_n. */
    private record JacobianSquare() implements CurvatureMatrix {

        @Override
        public String name() {
            return "square of the Jacobian";
        }

        @Override
        public Tensor atLoss(EvaluationContext context, LossEvaluation loss, double normaliser, Tensor tangents) {
            Tensor copy = context.scope().allocate(tangents.shape(), tangents.dtype());
            context.backend().elementwise().copy(tangents, copy);
            return copy;
        }
    }

    /** A squared error whose products with the Hessian fail. */
    private record Failing(Loss loss) implements Loss {

        @Override
        public void validate(Shape output, Shape targets, DType targetType) {
            loss.validate(output, targets, targetType);
        }

        @Override
        public double normaliser(Shape output, Tensor targets) {
            return loss.normaliser(output, targets);
        }

        @Override
        public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
            LossEvaluation evaluation = loss.evaluate(context, output, targets, normaliser);
            return new LossEvaluation() {
                @Override
                public Tensor values() {
                    return evaluation.values();
                }

                @Override
                public Tensor gradient() {
                    return evaluation.gradient();
                }

                @Override
                public Optional<HessianProduct> hessianProduct() {
                    throw new IllegalStateException("broken");
                }
            };
        }
    }

    private static double[] product(Loss loss, CurvatureMatrix matrix) {
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                Model model = backpack.model(
                        Graph.sequential(new Linear(2, 3, true), new Tanh(), new Linear(3, 2, false)),
                        loss,
                        DType.FLOAT64,
                        Shape.of(2));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input("input", Shape.of(N, 2), new double[] {0.5, -1, 2, 0.25, -0.75, 1})
                        .targets(Shape.of(N, 2), new double[N * 2])
                        .build()) {
            model.parameters().initialize(1);
            try (CurvatureOperator operator = CurvatureOperator.of(Objective.of(backpack, model, batch), matrix);
                    TensorScope scope = backpack.backend().openScope()) {
                int size = Math.toIntExact(operator.rows());
                double[] values = new double[size];
                for (int i = 0; i < size; i++) {
                    values[i] = Math.sin(i + 1);
                }
                Tensor vector = backpack.backend().upload(scope, Shape.of(1, size), DType.FLOAT64, values);
                Tensor result = scope.allocate(Shape.of(1, size), DType.FLOAT64);
                operator.multiply(vector, result);
                result.read(0, values, 0, size);
                return values;
            }
        }
    }

    /** The Hessian of Σ (f − y)² by f is twice the identity. */
    @Test
    void a_matrix_of_somebody_else_multiplies() {
        double[] own = product(new MSELoss(LossReduction.SUM), new JacobianSquare());
        double[] gaussNewton = product(new MSELoss(LossReduction.SUM), new CurvatureMatrix.GaussNewton());
        assertThat(own).hasSameSizeAs(gaussNewton);
        for (int i = 0; i < own.length; i++) {
            assertThat(2 * own[i]).isCloseTo(gaussNewton[i], within(1e-12));
        }
    }

    @Test
    void what_a_loss_does_wrong_is_its_own_error() {
        assertThatThrownBy(
                        () -> product(new Failing(new MSELoss(LossReduction.SUM)), new CurvatureMatrix.GaussNewton()))
                .hasMessageStartingWith("[PluginFailure] The Gauss-Newton matrix of loss Failing: Loss Failing failed"
                        + " in its Hessian product: java.lang.IllegalStateException: broken.")
                .hasMessageContaining("test-classes");
    }
}
