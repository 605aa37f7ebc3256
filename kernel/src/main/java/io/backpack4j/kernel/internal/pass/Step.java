// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Position of a walk for one signal.
 *
 * @param block which columns of the signal and which samples of the batch
 * @param columns V, all columns of the signal
 * @param samples N, all samples of the batch
 * @param weights of the block's columns, {@code [V, N]}, or null for ones. Weighted columns come from several nodes:
 *     results are cleared before the first of them, and every step adds
 */
record Step(
        Block block, long columns, long samples, @Nullable Tensor weights) {

    /** Takes all of another number of columns. */
    Step withColumns(long count) {
        return new Step(new Block(0, count, block.fromSample(), block.toSample()), count, samples, null);
    }

    /** The same within its chunk. */
    Step withinChunk() {
        Block local = new Block(block.fromColumn(), block.toColumn(), 0, block.samples());
        return new Step(local, columns, block.samples(), weights);
    }

    /** The same within its chunk and its block of columns. */
    Step withinBlock() {
        return new Step(new Block(0, block.columns(), 0, block.samples()), block.columns(), block.samples(), weights);
    }

    boolean wholeBatch() {
        return block.samples() == samples;
    }

    /** Whether no other step has a part in the results. */
    boolean isAll() {
        return weights == null && wholeBatch() && block.columns() == columns;
    }

    boolean firstChunk() {
        return weights == null && block.fromSample() == 0;
    }

    boolean firstBlock() {
        return weights == null && block.fromColumn() == 0;
    }

    boolean first() {
        return firstChunk() && firstBlock();
    }
}
