package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Tensor;

/** Counts the steps of which a {@link io.backpack4j.kernel.PassListener} is told, and the columns of signals. */
public final class StepCounter implements PassObserver {

    private final Runnable made;
    private long steps;
    private long widestColumns = 1;

    /** @param made is called when all results are made */
    public StepCounter(Runnable made) {
        this.made = made;
    }

    /** How many there were. */
    public long steps() {
        return steps;
    }

    /** The most columns that any signal has. */
    public long widestColumns() {
        return widestColumns;
    }

    @Override
    public void made() {
        made.run();
    }

    @Override
    public void columns(Signal signal, Block block, long columns) {
        widestColumns = Math.max(widestColumns, columns);
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
