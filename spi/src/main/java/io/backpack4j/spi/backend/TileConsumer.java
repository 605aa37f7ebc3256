// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a batch of B tiles x_b of P numbers each. Destinations that sum are added to, those of extremes
 * raised; the others are overwritten. Parameter axes are written {@code *p} and have P elements in row-major order.
 */
public sealed interface TileConsumer {

    /** Where the numbers go. */
    Tensor destination();

    /** Calls the visitor's method for this kind of consumer. */
    <R> R accept(TileConsumerVisitor<R> visitor);

    /**
     * destination[r] += Σ x_b over the r-th of R equal runs of b.
     *
     * @param destination {@code [R, *p]}; R divides B
     */
    record Sum(Tensor destination) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination += Σ_b w_b (x_b − center)².
     *
     * @param destination {@code [*p]}
     * @param center {@code [*p]}, or null for zero
     * @param weights {@code [B]}, or null for ones
     * @param centerIsMean whether the center is known to be (1/B) Σ_b x_b, as rounding has it: then Σ_b (x_b − center)²
     *     may be taken as Σ_b x_b² − B center² where that does not cancel. A backend may ignore it
     */
    record SumOfSquares(
            Tensor destination,
            @Nullable Tensor center,
            @Nullable Tensor weights,
            boolean centerIsMean) implements TileConsumer {

        /** About a center of which nothing is known. */
        public SumOfSquares(Tensor destination, @Nullable Tensor center, @Nullable Tensor weights) {
            this(destination, center, weights, false);
        }

        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

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

        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination[b] = Σ_p x_b², added up in double precision whatever the type, but for runs of a few hundred numbers.
     *
     * @param destination {@code [B]}
     */
    record SquaredNorms(Tensor destination) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination = max(destination, (−x, x, |x|)) over all numbers x of all tiles. NaN wins.
     *
     * @param destination {@code [3]}
     */
    record Extremes(Tensor destination) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination[b] = x_b.
     *
     * @param destination {@code [B, *p]}
     */
    record Copy(Tensor destination) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination[k, b] = Σ_p vectors[k] x_b, added up in double precision whatever the type, but for runs of a few
     * hundred numbers.
     *
     * @param vectors {@code [K, *p]}
     * @param destination {@code [K, B]}
     */
    record Dot(Tensor vectors, Tensor destination) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination[r, i] = ⟨x_b, Σ x⟩, x_b being the i-th tile of the r-th of R equal runs of b, and the sum that of the
     * run's tiles; added up as {@link Dot} does. The tile with the largest number comes last.
     *
     * @param kept {@code [B, *p]}, where tiles are kept until their sums are known, all in one order
     * @param destination {@code [R, B/R]}; R divides B
     */
    record DotWithSum(Tensor kept, Tensor destination) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination[k] += Σ_b weights[k, b] x_b.
     *
     * @param weights {@code [K, B]}
     * @param destination {@code [K, *p]}
     */
    record WeightedSum(Tensor weights, Tensor destination) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination[i] += the number of elements of all x_b in the i-th of equal bins, and in the last place the number
     * of those that are NaN. See {@link Bins}.
     *
     * @param destination INT64 {@code [bins + 1]}
     * @param range {@code [2]}: the outer edges of the first and the last bin, before they are multiplied by the factor
     * @param factor of the range
     */
    record Histogram(Tensor destination, Tensor range, double factor) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }

    /**
     * destination[i, j] += the number of elements of all x_b in bin i for which the value at the same place is in bin
     * j. See {@link Bins}.
     *
     * @param destination INT64 {@code [bins + 1, bins of values + 1]}, the last row and column being NaN's
     * @param ranges {@code [2, 2]}: the outer edges of the elements' bins, before they are multiplied by the factor,
     *     and those of the values'
     * @param factor of the elements' range
     * @param values {@code [*p]}
     */
    record JointHistogram(Tensor destination, Tensor ranges, double factor, Tensor values) implements TileConsumer {
        @Override
        public <R> R accept(TileConsumerVisitor<R> visitor) {
            return visitor.visit(this);
        }
    }
}
