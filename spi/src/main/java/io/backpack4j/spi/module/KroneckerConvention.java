// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/**
 * How positions that share a weight enter its Kronecker factors. Without sharing, S = 1, all agree.
 *
 * <p>Expand and reduce are those of Eschenhagen, Immer, Turner, Schneider, Hennig (2023), "Kronecker-Factored
 * Approximate Curvature for Modern Neural Network Architectures". a are inputs and d cotangents at N samples, S
 * positions and V columns.
 */
public enum KroneckerConvention {
    /** Positions count as samples: A = 1/(N S) Σ_ns a aᵀ, G = Σ_vns d dᵀ. */
    EXPAND,
    /** Positions are joined first: A = 1/N Σ_n ā āᵀ with ā the mean over positions, G = Σ_vn (Σ_s d)(Σ_s d)ᵀ. */
    REDUCE,
    /** BackPACK's for convolutions: A = 1/N Σ_ns a aᵀ, and G as in {@link #REDUCE}. */
    BACKPACK
}
