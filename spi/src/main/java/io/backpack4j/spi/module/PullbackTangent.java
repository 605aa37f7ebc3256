// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * How what a module pulls back changes as its inputs and parameters move along tangents and the cotangents g stay: d/dt
 * J(x + t ẋ, θ + t θ̇)ᵀ g at t = 0, for V tangents.
 */
public interface PullbackTangent {

    /** No change: that of a module without second derivatives. */
    static PullbackTangent zero() {
        return index -> Optional.empty();
    }

    /**
     * The change of an input's cotangents.
     *
     * @return {@code [V, N, *in_i]} in the scope of the context, of its own memory or sharing that of the tangents;
     *     empty if there is none
     */
    Optional<Tensor> input(int index);

    /**
     * Adds the change of a parameter's gradient, summed over the samples. Nothing by default, as for a module without
     * parameters.
     *
     * @param destination {@code [V, *p]}
     */
    default void addToParameter(String name, Tensor destination) {}
}
