package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.module.Block;

/**
 * Where a walk stands for one signal.
 *
 * @param block which columns of the signal and which samples of the batch
 * @param columns V, all columns of the signal
 * @param samples N, all samples of the batch
 */
record Step(Block block, long columns, long samples) {

    /** All of another number of columns. */
    Step withColumns(long count) {
        return new Step(new Block(0, count, block.fromSample(), block.toSample()), count, samples);
    }

    boolean wholeBatch() {
        return block.samples() == samples;
    }

    boolean firstChunk() {
        return block.fromSample() == 0;
    }

    boolean firstBlock() {
        return block.fromColumn() == 0;
    }

    boolean first() {
        return firstChunk() && firstBlock();
    }
}
