// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableGrams;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions over any number of spatial axes, with groups: C input channels and weights {@code [O, C/G, *kernel]}
 * make G groups, whose channels are neighbours. Everything is made of {@link #unfold} and {@link #fold}, which have
 * portable forms of their own.
 */
public interface Convolutions {

    /** The backend of this group, for the defaults. */
    Backend backend();

    /**
     * destination[b, o, t] = bias[o] + Σ_{c, k} weight[o, c, k] · x[b, c, t · stride + k · dilation − padding].
     *
     * @param x {@code [B, C, *in]}
     * @param weight {@code [O, C/G, *kernel]}
     * @param bias {@code [O]}, or null
     * @param destination {@code [B, O, *out]}
     */
    void convolve(Window window, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor destination);

    /**
     * The transpose: destination[b, c, i] = bias[c] + Σ weight[o, c, k] · y[b, o, t] over all o, k and t with i = t ·
     * stride + k · dilation − padding.
     *
     * @param y {@code [B, O, *out]}
     * @param weight {@code [O, C/G, *kernel]}
     * @param bias {@code [C]}, or null
     * @param destination {@code [B, C, *in]}
     */
    void convolveTransposed(Window window, Tensor y, Tensor weight, @Nullable Tensor bias, Tensor destination);

    /**
     * The inputs under every window: destination[b, g, t, (c, k)] = x[b, (g, c), t · stride + k · dilation − padding].
     *
     * @param x {@code [B, C, *in]}
     * @param outputSizes {@code *out}, of S positions
     * @param destination {@code [B, G, S, C/G · K]}, K being the number of elements of the window
     */
    void unfold(Window window, Tensor x, List<Long> outputSizes, Tensor destination);

    /**
     * The transpose of {@link #unfold}: adds up what falls on the same input.
     *
     * @param unfolded {@code [B, G, S, C/G · K]}
     * @param outputSizes {@code *out}, of S positions
     * @param destination {@code [B, C, *in]}, overwritten
     */
    void fold(Window window, Tensor unfolded, List<Long> outputSizes, Tensor destination);

    /**
     * Makes every tile of {@code product} once and hands it to all consumers. No more than a few tiles are alive at a
     * time.
     */
    void contract(PerSampleConvolution product, List<TileConsumer> consumers);

    /**
     * destination[r] += Σ P_b over the r-th of R equal runs of b.
     *
     * @param destination {@code [R, *weight]}; R divides B
     */
    default void sum(PerSampleConvolution product, Tensor destination) {
        contract(product, List.of(new TileConsumer.Sum(destination)));
    }

    /**
     * The same sums, added to the destination or written over it. A backend that writes them at once saves a walk
     * through memory.
     *
     * @param accumulate whether they are added
     * @param destination {@code [R, *weight]}; R divides B
     */
    default void sum(PerSampleConvolution product, boolean accumulate, Tensor destination) {
        if (!accumulate) {
            backend().elementwise().fill(destination, 0);
        }
        sum(product, destination);
    }

    /**
     * destination[b] = ‖P_b‖², over inner products of positions where {@link PerSampleConvolution#prefersGram}.
     *
     * @param destination {@code [B]}
     */
    void squaredNorms(PerSampleConvolution product, Tensor destination);

    /**
     * The outputs that fall on every input: destination[b, g, i, (o, k)] = y[b, (g, o), t] where i = t · stride + k ·
     * dilation − padding, zero where there is no such t. Times the weights it is {@link #convolveTransposed}.
     *
     * @param y {@code [B, O, *out]}
     * @param inputSizes {@code *in}, of S positions
     * @param destination {@code [B, G, S, O/G · K]}
     */
    default void unfoldTransposed(Window window, Tensor y, List<Long> inputSizes, Tensor destination) {
        PortableGrams.unfoldTransposed(backend(), window, y, inputSizes, destination);
    }

    /**
     * The Gram matrices of {@link #unfold}: destination[g] += scale · Σ_b Σ_t u_bgt u_bgtᵀ, or scale · Σ_b (Σ_t
     * u_bgt)(Σ_t u_bgt)ᵀ.
     *
     * @param x {@code [B, C, *in]}
     * @param outputSizes {@code *out}
     * @param summed whether positions are summed first
     * @param destination {@code [G, C/G · K, C/G · K]}, symmetric
     */
    default void addInputGram(
            Window window, Tensor x, List<Long> outputSizes, boolean summed, double scale, Tensor destination) {
        PortableGrams.addOfInputs(backend(), window, x, outputSizes, summed, scale, destination);
    }

    /**
     * The same Gram matrices, added to the destination or written over it. A backend that writes them at once saves a
     * walk through memory.
     *
     * @param x {@code [B, C, *in]}
     * @param outputSizes {@code *out}
     * @param summed whether positions are summed first
     * @param accumulate whether they are added
     * @param destination {@code [G, C/G · K, C/G · K]}, symmetric
     */
    default void inputGram(
            Window window,
            Tensor x,
            List<Long> outputSizes,
            boolean summed,
            double scale,
            boolean accumulate,
            Tensor destination) {
        if (!accumulate) {
            backend().elementwise().fill(destination, 0);
        }
        addInputGram(window, x, outputSizes, summed, scale, destination);
    }

    /**
     * The Gram matrices of {@link #unfoldTransposed}, as {@link #addInputGram}.
     *
     * @param y {@code [B, O, *out]}
     * @param inputSizes {@code *in}
     * @param summed whether positions are summed first
     * @param destination {@code [G, O/G · K, O/G · K]}, symmetric
     */
    default void addOutputGram(
            Window window, Tensor y, List<Long> inputSizes, boolean summed, double scale, Tensor destination) {
        PortableGrams.addOfOutputs(backend(), window, y, inputSizes, summed, scale, destination);
    }
}
