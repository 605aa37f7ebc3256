// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.tensor.Shape;

/**
 * The sizes of a factored gradient g_g = Σ_s left_gs ⊗ right_gs.
 *
 * @param groups G, the number of blocks with factors of their own
 * @param rows M, the length of a left factor
 * @param columns K, the length of a right factor
 * @param positions S, the number of positions that share the parameter
 * @param positionsFirst whether both factors are kept as {@code [·, G, S, ·]}, so that samples and positions join into
 *     one axis
 */
public record FactorSizes(long groups, long rows, long columns, long positions, boolean positionsFirst) {

    /** As many numbers as nobody need save. */
    static final long FEW = 1 << 16;

    /** As many multiplications as hardly take longer than the calls. */
    private static final long FEW_MULTIPLICATIONS = 1 << 24;

    /** The shape {@code [G, M, K]} of one gradient. */
    public Shape tile() {
        return Shape.of(groups, rows, columns);
    }

    /** Whether inner products of positions (S × S) take fewer multiplications than gradients (M × K). */
    public boolean prefersGram() {
        return positions * (rows + columns) < rows * columns;
    }

    /**
     * Whether squares summed over V columns take fewer products from pairs of positions, of which there are S(S+1)/2
     * for all columns together, than from gradients, which take S and a square for every column.
     */
    boolean prefersPairs(long signals) {
        return positions > 1 && groups == 1 && positionsFirst && prefersGram() && positions <= 2 * signals;
    }

    /**
     * Whether inner products of all gradients with each other take fewer multiplications over positions (S² pairs of
     * them) than over gradients.
     */
    boolean prefersGramOfAll() {
        return groups == 1 && positionsFirst && positions * positions * (rows + columns) < rows * columns;
    }

    /**
     * Whether inner products of all samples' factors take fewer multiplications than products with one gradient, or
     * hardly any, and no more memory than it.
     */
    boolean prefersPairsOfSamples(long samples) {
        boolean fewer = samples * (rows + columns) < rows * columns
                || samples * samples * (rows + columns) <= FEW_MULTIPLICATIONS;
        return fewer && hasRoomForPairsOfSamples(samples);
    }

    /** Whether inner products of all samples' factors take no more memory than one gradient, or hardly any. */
    boolean hasRoomForPairsOfSamples(long samples) {
        return 2 * samples * samples <= Math.max(rows * columns, FEW);
    }

    /** Whether sums over positions of these and of other factors are sums over all of their positions. */
    boolean joins(FactorSizes other) {
        return positionsFirst && withPositions(other.positions).equals(other);
    }

    /** The same with another number of positions. */
    FactorSizes withPositions(long count) {
        return new FactorSizes(groups, rows, columns, count, positionsFirst);
    }
}
