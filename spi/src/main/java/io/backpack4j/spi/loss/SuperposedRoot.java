// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.tensor.Tensor;

/**
 * The root of the Hessian of a loss that is a sum over positions, with the columns of all positions on top of each
 * other. The Hessian couples no two positions, so every column of a {@link HessianRoot} can be zero at all but one;
 * those of one kind at all positions travel as a single tensor as long as nothing mixes positions: Σ_v s_vnq s_vnqᵀ = c
 * ∇²ℓ_nq, s_vnq being column v at position q.
 */
public interface SuperposedRoot {

    /** How many columns there are at every position. */
    long count();

    /**
     * The columns {@code from} (inclusive) to {@code to} (exclusive), each at all positions, {@code [to − from, N,
     * *out]}.
     */
    Tensor columns(long from, long to);
}
