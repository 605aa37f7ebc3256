// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A Monte-Carlo root of the Hessian: random columns s with E[s sᵀ] = c ∇²ℓ and mean zero. For a negative log-likelihood
 * these may be gradients at targets drawn from
 * the model's own predictive distribution. Where terms have weights of their own, they are not: a weight that belongs
 * to the observed target stays that one's.
 */
public interface GradientSampler {

    /**
     * The columns {@code from} (inclusive) to {@code to} (exclusive) of {@code total}: s_nm / √M, drawn with
     * {@code key.draw(m)} and the sample's id; s_nm = √c ∇ℓ(f_n, ỹ_nm) for a negative log-likelihood.
     *
     * @return {@code [to − from, N, *out]}
     */
    Tensor columns(RandomKey key, int from, int to, int total);
}
