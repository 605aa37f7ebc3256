// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.operators.JacobianOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Random;

/**
 * Jacobians of every sample.
 *
 * <p>Two ways to ∂f_nc/∂θ, for all samples n and outputs c. The root of the Gauss-Newton matrix of a summed squared
 * error is √2 times the Jacobian; and the operator of the Jacobian multiplies with it and its transpose without making
 * it. They agree.
 */
public final class Jacobians {

    private Jacobians() {}

    public static void main(String[] arguments) {
        int samples = 6;
        int outputs = 3;
        double[] inputs = new Random(0).doubles(samples * 5, -1, 1).toArray();
        Graph graph = Graph.sequential(new Linear(5, 4), new Tanh(), new Linear(4, outputs));
        SqrtGGNExact root = new SqrtGGNExact();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new MSELoss(LossReduction.SUM), DType.FLOAT64, Shape.of(5));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(samples, 5), inputs)
                        .targets(Shape.of(samples, outputs), new double[samples * outputs])
                        .build()) {
            model.parameters().initialize(0);
            try (Results results = backpack.compute(model, batch, root);
                    JacobianOperator jacobian = JacobianOperator.of(Objective.of(backpack, model, batch));
                    TensorScope scope = backpack.backend().openScope()) {
                Tensor columns = results.get(root, "0.weight");
                System.out.println("root of the first weight " + columns.shape());

                // The transpose, times the unit vector of sample 2 and output 1.
                double[] unit = new double[(int) jacobian.rows()];
                unit[2 * outputs + 1] = 1;
                Tensor direction = scope.allocate(Shape.of(1, unit.length), DType.FLOAT64);
                direction.write(0, unit, 0, unit.length);
                Tensor row = scope.allocate(Shape.of(1, jacobian.columns()), DType.FLOAT64);
                jacobian.transposed().multiply(direction, row);
                double[] byOperator =
                        jacobian.layout().split(scope, row).get("0.weight").toDoubleArray();

                double[] all = columns.toDoubleArray();
                double worst = 0;
                for (int i = 0; i < 20; i++) {
                    double byRoot = all[(1 * samples + 2) * 20 + i] / Math.sqrt(2);
                    worst = Math.max(worst, Math.abs(byRoot - byOperator[i]));
                }
                System.out.println("∂f/∂W of sample 2, output 1: " + byOperator.length + " numbers");
                System.out.println("both ways agree: " + (worst < 1e-12));
            }
        }
    }
}
