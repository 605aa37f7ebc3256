// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;

/**
 * Inner products of the per-sample gradients of two signals, ⟨g_vn, h_wm⟩, V and W being their columns: {@code [V·N,
 * W·M]} for all pairs of samples, or {@code [N, V, W]} for every sample with itself. Both signals may be the same: then
 * it is a Gram matrix. Unlike a {@link Contraction}, it needs the derivatives of both signals at once, and adds up over
 * parameters: the inner products of whole gradients are the sums of those of their parts.
 *
 * @param sameSample whether a sample meets itself only
 * @param leftSubsampling the positions in the batch whose gradients stand to the left, in order, repetitions allowed;
 *     all if empty
 * @param rightSubsampling those that stand to the right; the same as to the left if {@code sameSample}
 */
@Experimental
public record CrossInnerProducts(
        boolean sameSample, Optional<List<Integer>> leftSubsampling, Optional<List<Integer>> rightSubsampling) {

    /**
     * Checks and copies.
     *
     * @throws BackpackException if samples are to meet themselves, but others stand to the left than to the right
     */
    public CrossInnerProducts {
        leftSubsampling = leftSubsampling.map(List::copyOf);
        rightSubsampling = rightSubsampling.map(List::copyOf);
        if (sameSample && !leftSubsampling.equals(rightSubsampling)) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Every sample is to meet itself only, but the samples %s stand to the left and %s to the right. Name the same on both sides, or ask for all pairs."
                            .formatted(named(leftSubsampling), named(rightSubsampling)));
        }
    }

    /** Of all samples. */
    public CrossInnerProducts(boolean sameSample) {
        this(sameSample, Optional.empty(), Optional.empty());
    }

    private static Object named(Optional<List<Integer>> positions) {
        return positions.<Object>map(list -> list).orElse("all");
    }

    /** The shape of the result. */
    public Shape shape(long leftColumns, long rightColumns, long samples) {
        long left = count(leftSubsampling, samples);
        long right = count(rightSubsampling, samples);
        return sameSample
                ? Shape.of(left, leftColumns, rightColumns)
                : Shape.of(leftColumns * left, rightColumns * right);
    }

    /** How many samples stand to the left of those of a batch. */
    public long leftSamples(long samples) {
        return count(leftSubsampling, samples);
    }

    /** How many samples stand to the right of those of a batch. */
    public long rightSamples(long samples) {
        return count(rightSubsampling, samples);
    }

    private static long count(Optional<List<Integer>> positions, long samples) {
        return positions.map(list -> (long) list.size()).orElse(samples);
    }

    /**
     * How results of parts of a batch become those of the whole: a sample with itself is in one part, a pair of samples
     * need not be.
     */
    public MergeRule mergeRule() {
        return sameSample && leftSubsampling.isEmpty() ? MergeRule.PER_SAMPLE : MergeRule.NOT_MERGEABLE;
    }
}
