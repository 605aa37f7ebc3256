package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Tensor;

/** Counts the steps of which a {@link io.backpack4j.kernel.PassListener} is told. */
public final class StepCounter implements PassObserver {

    private long steps;

    /** How many there were. */
    public long steps() {
        return steps;
    }

    @Override
    public void forward(BoundNode node) {
        steps++;
    }

    @Override
    public void backward(BoundNode node, Signal signal, Tensor arrived, Block block) {
        steps++;
    }
}
