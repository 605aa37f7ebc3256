package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a batch of B tiles x_b of P numbers each. Destinations that sum are added to; the others are overwritten. Parameter axes are
 * written {@code *p} and have P elements in row-major order.
 */
public sealed interface TileConsumer {

    /** Where the numbers go. */
    Tensor destination();

    /**
     * destination[r] += Σ x_b over the r-th of R equal runs of b.
     *
     * @param destination {@code [R, *p]}; R divides B
     */
    record Sum(Tensor destination) implements TileConsumer {}

    /**
     * destination += Σ_b w_b (x_b − center)².
     *
     * @param destination {@code [*p]}
     * @param center {@code [*p]}, or null for zero
     * @param weights {@code [B]}, or null for ones
     */
    record SumOfSquares(
            Tensor destination,
            @Nullable Tensor center,
            @Nullable Tensor weights) implements TileConsumer {}

    /**
     * destination[b mod N] += w_b x_b².
     *
     * @param destination {@code [N, *p]}; N divides B
     * @param weights {@code [B]}, or null for ones
     */
    record SumOfSquaresPerSample(
            Tensor destination, @Nullable Tensor weights) implements TileConsumer {

        /** With weights of one. */
        public SumOfSquaresPerSample(Tensor destination) {
            this(destination, null);
        }
    }

    /**
     * destination[b] = Σ_p x_b².
     *
     * @param destination {@code [B]}
     */
    record SquaredNorms(Tensor destination) implements TileConsumer {}

    /**
     * destination[b] = x_b.
     *
     * @param destination {@code [B, *p]}
     */
    record Copy(Tensor destination) implements TileConsumer {}

    /**
     * destination[k, b] = Σ_p vectors[k] x_b.
     *
     * @param vectors {@code [K, *p]}
     * @param destination {@code [K, B]}
     */
    record Dot(Tensor vectors, Tensor destination) implements TileConsumer {}

    /**
     * destination[k] += Σ_b weights[k, b] x_b.
     *
     * @param weights {@code [K, B]}
     * @param destination {@code [K, *p]}
     */
    record WeightedSum(Tensor weights, Tensor destination) implements TileConsumer {}
}
