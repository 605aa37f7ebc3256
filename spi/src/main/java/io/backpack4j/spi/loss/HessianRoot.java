// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/** Columns s_vn with Σ_v s_vn s_vnᵀ = c ∇²ℓ_n. */
public interface HessianRoot {

    /** How many columns there are. */
    long count();

    /**
     * The columns {@code from} (inclusive) to {@code to} (exclusive), {@code [to − from, N, *out]}. Never all at once
     * unless asked.
     */
    Tensor columns(long from, long to);

    /**
     * A root of fewer columns, if the loss knows one: other columns with the same sum of products. A plan takes it
     * where nobody asks for columns themselves.
     */
    default HessianRoot reduced() {
        return this;
    }

    /** The columns of all positions on top of each other; there if the loss has {@link Loss#positionAxes positions}. */
    default Optional<SuperposedRoot> superposed() {
        return Optional.empty();
    }
}
