// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.operators.CurvatureOperator;
import io.backpack4j.operators.Lanczos;
import io.backpack4j.operators.LinearOperator;
import io.backpack4j.operators.LowRankOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.operators.ParameterLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The damped inverse of a matrix of which the leading eigenvectors are kept; one over the damping beside them. */
final class LowRankInverse implements InverseCurvature {

    private final TensorScope scope;
    private final ParameterLayout layout;
    private final LinearOperator inverse;

    private LowRankInverse(TensorScope scope, ParameterLayout layout, LinearOperator inverse) {
        this.scope = scope;
        this.layout = layout;
        this.inverse = inverse;
    }

    static LowRankInverse of(
            BackPack backpack,
            Model model,
            CurvatureMatrix matrix,
            int rank,
            double damping,
            TrainingData data,
            PassOptions options) {
        List<Batch> batches = new ArrayList<>();
        TensorScope scope = backpack.backend().openScope();
        try {
            for (int number = 0; number < data.count(); number++) {
                batches.add(data.upload(number));
            }
            Objective objective =
                    Objective.of(backpack, model, batches.toArray(Batch[]::new)).options(options);
            try (CurvatureOperator operator = CurvatureOperator.of(objective, matrix)) {
                Lanczos.Eigenpairs pairs =
                        Lanczos.of(Lanczos.Which.LARGEST, rank).run(scope, operator);
                if (!pairs.converged()) {
                    throw new BackpackException(
                            CommonProblems.INVALID_ARGUMENT,
                            "Of the %d leading eigenvectors of the %s, %d were found with %d products. Ask for fewer."
                                    .formatted(
                                            pairs.requested(),
                                            matrix.name(),
                                            pairs.values().stream()
                                                    .filter(Lanczos.Eigenvalue::converged)
                                                    .count(),
                                            pairs.iterations()));
                }
                double[] values = pairs.values().stream()
                        .mapToDouble(Lanczos.Eigenvalue::value)
                        .toArray();
                LowRankOperator low = LowRankOperator.of(backpack.backend(), values, pairs.vectors());
                return new LowRankInverse(scope, operator.layout(), low.dampedInverse(damping));
            }
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        } finally {
            batches.forEach(Batch::close);
        }
    }

    @Override
    public Map<String, Tensor> solve(TensorScope target, Map<String, Tensor> vectors) {
        long count = vectors.values().iterator().next().shape().size(0);
        try (TensorScope step = inverse.backend().openScope()) {
            Shape shape = Shape.of(count, layout.size());
            Tensor flat = step.allocate(shape, inverse.dtype());
            layout.join(vectors, flat);
            Tensor solved = step.allocate(shape, inverse.dtype());
            inverse.multiply(flat, solved);
            return layout.split(target, solved);
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
