// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** Means over elements of ḡ_j² / (variance_j + ε). */
final class SignalToNoise {

    static final CentredSquares SQUARES = new CentredSquares();

    static final List<Extension<?>> NEEDED = List.of(SQUARES);

    private SignalToNoise() {}

    /** The mean, with variances Σ_n (g_nj − ḡ_j)² / divisor. */
    static double mean(Observation step, List<String> parameters, double divisor, double epsilon) {
        Backend backend = step.backend();
        double scale = step.sampleFactor() * step.sampleFactor() / divisor;
        double sum = 0;
        for (String parameter : parameters) {
            try (TensorScope scope = backend.openScope()) {
                Tensor gradient = step.gradient(parameter);
                Tensor variance = scope.allocate(gradient.shape(), gradient.dtype());
                backend.elementwise().affine(step.get(SQUARES, parameter), scale, epsilon, variance);
                backend.elementwise().combine(BinaryOperation.DIVIDE, gradient, variance, variance);
                sum += Sums.dot(backend, gradient, variance);
            }
        }
        return sum * step.batchFactor() * step.batchFactor() / GradientStatistics.elements(step, parameters);
    }
}
