// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Maxima under windows, and linear maps along the spatial axes, of which averages are one kind. */
public interface Pooling {

    /**
     * destination[b, c, t] = the maximum of x under the window at t, and where it is: the first of equal ones in
     * row-major order; NaN is larger than any number. Every window meets the input.
     *
     * @param x {@code [B, C, *in]}
     * @param destination {@code [B, C, *out]}
     * @param indices {@code [B, C, *out]}, {@code INT64}: row-major positions within the {@code *in} of that sample and
     *     channel
     */
    void maximum(Window window, Tensor x, Tensor destination, Tensor indices);

    /**
     * The same with windows of different sizes: output position t of an axis covers the inputs ⌊t · in/out⌋ to ⌈(t + 1)
     * · in/out⌉ − 1.
     *
     * @param x {@code [B, C, *in]}
     * @param destination {@code [B, C, *out]}
     * @param indices as in {@link #maximum}
     */
    void adaptiveMaximum(Tensor x, Tensor destination, Tensor indices);

    /**
     * destination[b, c, indices[b mod N, c, t]] += source[b, c, t], from zeros on: the transpose of {@link #gather}.
     *
     * @param indices {@code [N, C, *out]}, {@code INT64}
     * @param source {@code [B, C, *out]}; N divides B
     * @param destination {@code [B, C, *in]}, overwritten
     */
    void scatter(Tensor indices, Tensor source, Tensor destination);

    /**
     * destination[b, c, t] = x[b, c, indices[b mod N, c, t]].
     *
     * @param x {@code [B, C, *in]}
     * @param indices {@code [N, C, *out]}, {@code INT64}; N divides B
     * @param destination {@code [B, C, *out]}
     */
    void gather(Tensor x, Tensor indices, Tensor destination);

    /**
     * Multiplies every spatial axis with a matrix: destination[b, c, t…] = Σ_i Π_axis matrix_axis[t, i] · x[b, c, i…].
     *
     * @param matrices one {@code [out, in]} per spatial axis, or {@code [in, out]} if transposed; null leaves the axis
     *     as it is
     * @param x {@code [B, C, *in]}
     * @param destination {@code [B, C, *out]}
     */
    void resample(List<@Nullable Tensor> matrices, boolean transposed, Tensor x, Tensor destination);
}
