// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.operators.ConjugateGradients;
import io.backpack4j.operators.CurvatureOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The inverse of the whole matrix, parameters' pairs and all: a solution by conjugate gradients for every vector. */
final class OperatorInverse implements InverseCurvature {

    private final List<Batch> batches;
    private final CurvatureOperator operator;
    private final ConjugateGradients solver;

    private OperatorInverse(List<Batch> batches, CurvatureOperator operator, ConjugateGradients solver) {
        this.batches = batches;
        this.operator = operator;
        this.solver = solver;
    }

    static OperatorInverse of(
            BackPack backpack,
            Model model,
            CurvatureMatrix matrix,
            double damping,
            TrainingData data,
            PassOptions options) {
        List<Batch> batches = new ArrayList<>();
        try {
            for (int number = 0; number < data.count(); number++) {
                batches.add(data.upload(number));
            }
            Objective objective =
                    Objective.of(backpack, model, batches.toArray(Batch[]::new)).options(options);
            ConjugateGradients solver = ConjugateGradients.DEFAULT
                    .damping(damping)
                    .tolerance(model.dtype() == DType.FLOAT64 ? 1e-10 : 1e-4);
            return new OperatorInverse(batches, CurvatureOperator.of(objective, matrix), solver);
        } catch (RuntimeException | Error e) {
            batches.forEach(Batch::close);
            throw e;
        }
    }

    @Override
    public Map<String, Tensor> solve(TensorScope target, Map<String, Tensor> vectors) {
        long count = vectors.values().iterator().next().shape().size(0);
        try (TensorScope scope = operator.backend().openScope()) {
            Tensor flat = scope.allocate(Shape.of(count, operator.layout().size()), operator.dtype());
            operator.layout().join(vectors, flat);
            ConjugateGradients.Solution solution = solver.solve(scope, operator, flat);
            for (int k = 0; k < count; k++) {
                ConjugateGradients.Column column = solution.columns().get(k);
                if (column.stop() != ConjugateGradients.Stop.CONVERGED) {
                    throw new BackpackException(
                            CommonProblems.NOT_POSITIVE_DEFINITE,
                            "Conjugate gradients with damping %s stopped with %s after %d iterations, at a residual of %s, for sample %d. Add damping, or take a curvature extension instead of the exact inverse."
                                    .formatted(
                                            solver.damping(),
                                            column.stop(),
                                            column.iterations(),
                                            column.residualNorm(),
                                            k));
                }
            }
            return operator.layout().split(target, solution.x());
        }
    }

    @Override
    public void close() {
        operator.close();
        batches.forEach(Batch::close);
    }
}
