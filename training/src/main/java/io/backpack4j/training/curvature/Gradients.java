// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;

/**
 * Gradients with weight decay in them, as vectors that blocks take.
 *
 * @param weightDecay of parameters whose group names none
 */
record Gradients(OptimizerSetup setup, double weightDecay) {

    /** The weight decay η of a parameter. */
    double decay(String parameter) {
        return setup.weightDecay(parameter, weightDecay);
    }

    /** ∇L + ηθ, {@code [1, *p]}, to be read. */
    Tensor vector(TensorScope scope, OptimizerStep step, String parameter) {
        Tensor gradient = step.gradient(parameter);
        if (decay(parameter) != 0) {
            Tensor decayed = scope.allocate(gradient.shape(), gradient.dtype());
            setup.backend().elementwise().copy(gradient, decayed);
            setup.backend().elementwise().addScaled(decay(parameter), setup.parameter(parameter), decayed);
            gradient = decayed;
        }
        return asVector(scope, gradient);
    }

    /** The same numbers as {@code [1, *p]}. */
    static Tensor asVector(TensorScope scope, Tensor tensor) {
        return scope.view(tensor, tensor.shape().prepend(1));
    }
}
