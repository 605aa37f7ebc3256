// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableGrams;
import io.backpack4j.spi.tensor.Tensor;

/** Matrix products. */
public interface Products {

    /** The backend of this group, for the defaults. */
    Backend backend();

    /**
     * destination = alpha · op(a) · op(b) + beta · destination over the last two axes, op transposing them or not. The
     * axes before are a batch: equal, or of size one in {@code a} or {@code b}. With {@code beta} 0 the old contents do
     * not matter, NaN included.
     *
     * @param a {@code [*batch, m, k]}, or {@code [*batch, k, m]} if transposed
     * @param b {@code [*batch, k, n]}, or {@code [*batch, n, k]} if transposed
     * @param destination {@code [*batch, m, n]}; all three of one rank
     */
    void multiply(
            Tensor a, boolean transposeA, Tensor b, boolean transposeB, double alpha, double beta, Tensor destination);

    /**
     * destination = x · weightᵀ + bias.
     *
     * @param x {@code [M, I]}
     * @param weight {@code [O, I]}
     * @param bias {@code [O]}
     * @param destination {@code [M, O]}
     */
    default void linear(Tensor x, Tensor weight, Tensor bias, Tensor destination) {
        multiply(x, false, weight, true, 1, 0, destination);
        backend().elementwise().combine(BinaryOperation.ADD, destination, bias, destination);
    }

    /**
     * destination[g] += scale · Σ_b Σ_s x_bgs x_bgsᵀ, or scale · Σ_b (Σ_s x_bgs)(Σ_s x_bgs)ᵀ.
     *
     * @param x vectors of length L: {@code [B, G, S, L]}, or {@code [B, G, L, S]}
     * @param positionsFirst which of the two
     * @param summed whether they are summed over s first
     * @param destination {@code [G, L, L]}, symmetric
     */
    default void addGram(Tensor x, boolean positionsFirst, boolean summed, double scale, Tensor destination) {
        PortableGrams.add(backend(), x, positionsFirst, summed, scale, destination);
    }

    /**
     * destination[g] = scale · Σ_b Σ_s x_bgs x_bgsᵀ, or scale · Σ_b (Σ_s x_bgs)(Σ_s x_bgs)ᵀ. The arguments are those of
     * {@link #addGram(Tensor, boolean, boolean, double, Tensor)}, to which it adds zeros: a backend that overwrites
     * spares two walks through memory.
     */
    default void gram(Tensor x, boolean positionsFirst, boolean summed, double scale, Tensor destination) {
        backend().elementwise().fill(destination, 0);
        addGram(x, positionsFirst, summed, scale, destination);
    }

    /**
     * destination[g] += scale · Σ_b x_gb x_gbᵀ.
     *
     * @param vectors {@code [G, B, L]}
     * @param destination {@code [G, L, L]}, symmetric: a backend may work out one half and mirror it
     */
    default void addGram(Tensor vectors, double scale, Tensor destination) {
        multiply(vectors, true, vectors, false, scale, 1, destination);
    }
}
