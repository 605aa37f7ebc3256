package io.backpack4j.spi.loss;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Tensor;

/** Gradients at targets drawn from the model's own predictive distribution: a Monte-Carlo root of the Hessian. */
public interface GradientSampler {

    /**
     * The columns {@code from} (inclusive) to {@code to} (exclusive) of {@code total}: √(c/M) ∇ℓ(f_n, ỹ_nm), ỹ_nm drawn with
     * {@code key.draw(m)} and the sample's id.
     *
     * @return {@code [to − from, N, *out]}
     */
    Tensor columns(RandomKey key, int from, int to, int total);
}
