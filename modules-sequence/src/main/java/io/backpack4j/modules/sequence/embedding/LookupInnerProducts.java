// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Inner products of the gradients of one table, from rows that occur in the batch. Both sides come from the same
 * lookup.
 */
record LookupInnerProducts(LookupDerivatives left, LookupDerivatives right) {

    /** How much memory the rows of one side may take at a time. */
    private static final long RUN_BYTES = 4 << 20;

    /**
     * Adds ⟨g_vn, h_wm⟩.
     *
     * @param sameSample whether only n = m
     * @param destination {@code [N, V, W]}, or {@code [V · N, W · N]}
     */
    void add(boolean sameSample, Tensor destination) {
        if (sameSample) {
            addOfSamples(destination);
        } else {
            addOfAll(destination);
        }
    }

    private Backend backend() {
        return left.backend();
    }

    /** Sums of the same sample and row stand at the same place. */
    private void addOfSamples(Tensor destination) {
        try (TensorScope scope = backend().openScope()) {
            Tensor ofLeft = bySample(scope, left);
            Tensor ofRight = left == right ? ofLeft : bySample(scope, right);
            backend().products().multiply(ofLeft, false, ofRight, true, 1, 1, destination);
        }
    }

    /** {@code [N, V, S · dim]}. */
    private Tensor bySample(TensorScope scope, LookupDerivatives side) {
        long width = side.lookup().positions() * side.length();
        Tensor summed = scope.view(side.summed(scope), Shape.of(side.columns(), side.samples(), width));
        Tensor bySample = scope.allocate(Shape.of(side.samples(), side.columns(), width), side.dtype());
        backend().indexing().permute(summed, new int[] {1, 0, 2}, bySample);
        return bySample;
    }

    /** A few of the different rows of the batch at a time, in runs of one size, whatever the rows are. */
    private void addOfAll(Tensor destination) {
        Occurrences occurrences = left.occurrences();
        long[] ranks = new long[occurrences.ranks().length];
        for (int i = 0; i < ranks.length; i++) {
            ranks[i] = occurrences.ranks()[i];
        }
        long bytes = Math.max(left.columns(), right.columns())
                * left.samples()
                * left.length()
                * left.dtype().bytes();
        long run = Math.max(1, Math.min(Math.max(1, ranks.length), RUN_BYTES / Math.max(1, bytes)));
        try (TensorScope scope = backend().openScope()) {
            Tensor ofLeft = scope.allocate(rows(left, run), left.dtype());
            Tensor ofRight = left == right ? ofLeft : scope.allocate(rows(right, run), left.dtype());
            Tensor givenLeft = left.cotangents(scope);
            Tensor givenRight = left == right ? givenLeft : right.cotangents(scope);
            long different = occurrences.samples().length;
            for (long from = 0; from < different; from += run) {
                left.place(givenLeft, ranks, from, from + run, ofLeft);
                if (left != right) {
                    right.place(givenRight, ranks, from, from + run, ofRight);
                }
                backend()
                        .products()
                        .multiply(matrix(scope, ofLeft), false, matrix(scope, ofRight), true, 1, 1, destination);
            }
        }
    }

    private static Shape rows(LookupDerivatives side, long run) {
        return Shape.of(side.columns() * side.samples(), run, side.length());
    }

    private static Tensor matrix(TensorScope scope, Tensor rows) {
        return scope.view(
                rows,
                Shape.of(
                        rows.shape().size(0),
                        rows.shape().size(1) * rows.shape().size(2)));
    }
}
