// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * A loss evaluated at N samples. Every call makes a new tensor in the scope of the evaluation's context; the caller may
 * close it earlier. Belongs to one thread.
 */
public interface LossEvaluation {

    /** The unreduced losses ℓ_n, {@code [N]}: c times their sum is the loss. */
    Tensor values();

    /** The gradient c ∇ℓ_n, {@code [1, N, *out]}. */
    Tensor gradient();

    /** A root of the Hessian, if the loss has one. */
    default Optional<HessianRoot> hessianRoot() {
        return Optional.empty();
    }

    /**
     * A Monte-Carlo root of the Hessian, if the loss has one: gradients at drawn targets of a negative log-likelihood,
     * for example.
     */
    default Optional<GradientSampler> gradientSampler() {
        return Optional.empty();
    }

    /** Products with the Hessian, if the loss has them. */
    default Optional<HessianProduct> hessianProduct() {
        return Optional.empty();
    }
}
