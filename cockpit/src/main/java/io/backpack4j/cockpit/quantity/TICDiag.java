// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** The Takeuchi information criterion by diagonals: Σ_j C_j / (h_j + ε), as {@link TICTrace}. */
record TICDiag(CurvatureKind curvature, double epsilon) implements SingleStepQuantityOfGradients {

    private static final Measured SQUARES = Measured.ofGradient(new Contraction.SumOfSquares());

    @Override
    public List<Extension<?>> needed() {
        return List.of(SQUARES, curvature.diagonal());
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        Backend backend = step.backend();
        double sum = 0;
        for (String parameter : parameters) {
            try (TensorScope scope = backend.openScope()) {
                Tensor diagonal = step.get(curvature.diagonal(), parameter);
                Tensor quotients = scope.allocate(diagonal.shape(), diagonal.dtype());
                backend.elementwise().affine(diagonal, step.batchFactor(), epsilon, quotients);
                backend.elementwise()
                        .combine(BinaryOperation.DIVIDE, step.get(SQUARES, parameter), quotients, quotients);
                sum += Sums.total(backend, quotients);
            }
        }
        return Measurement.of(sum * step.sampleFactor() * step.sampleFactor() / step.samples());
    }
}
