// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A batch of weight gradients of a convolution that need not be materialised: P_b[o, c, k] = Σ_t outputs[b mod P, o, t]
 * · inputs[b mod Q, c, t · stride + k · dilation − padding], a tile of the weight's shape. Of B = max(P, Q), the
 * smaller one, N, divides the larger. For a convolution, outputs holds cotangents of the output and inputs its inputs;
 * for a transposed one it is the other way round.
 *
 * @param window the window
 * @param outputs {@code [P, O, *out]}
 * @param inputs {@code [Q, C, *in]}
 * @param weight {@code [O, C/G, *kernel]}, which makes G groups
 */
public record PerSampleConvolution(Window window, Tensor outputs, Tensor inputs, Shape weight) {

    /** B, the number of tiles. */
    public long batch() {
        return Math.max(outputs.shape().size(0), inputs.shape().size(0));
    }

    /** N, the number of tiles of one column. */
    public long samples() {
        return Math.min(outputs.shape().size(0), inputs.shape().size(0));
    }

    /** G. */
    public long groups() {
        return weight.size(1) == 0 ? 1 : inputs.shape().size(1) / weight.size(1);
    }

    /** O/G, the rows of one group of a tile. */
    public long rows() {
        return weight.size(0) / groups();
    }

    /** C/G times the elements of the window: the columns of one group of a tile. */
    public long columns() {
        return weight.elements(1, weight.rank());
    }

    /** S, the number of output positions. */
    public long positions() {
        return window.spatial(outputs.shape()).elements();
    }

    /** Whether inner products of positions (S × S) take fewer multiplications than tiles. */
    public boolean prefersGram() {
        return positions() * (rows() + columns()) < rows() * columns();
    }
}
