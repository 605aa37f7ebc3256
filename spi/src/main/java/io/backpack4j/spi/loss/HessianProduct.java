// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.tensor.Tensor;

/** Products with the Hessian of the loss. */
public interface HessianProduct {

    /**
     * c ∇²ℓ_n · t_vn.
     *
     * @param tangents {@code [V, N, *out]}
     * @return {@code [V, N, *out]}
     */
    Tensor multiply(Tensor tangents);
}
