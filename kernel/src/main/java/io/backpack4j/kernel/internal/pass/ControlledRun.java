// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Tensor;

/** Tells a listener of each step, and ends the pass when somebody wants that. */
public final class ControlledRun implements PassObserver {

    private final PassListener listener;
    private final Cancellation cancellation;

    public ControlledRun(RunOptions options) {
        this.listener = options.listener();
        this.cancellation = options.cancellation();
    }

    @Override
    public void chunk(int stage, long fromSample, long toSample) {
        tell(() -> listener.chunk(stage, fromSample, toSample));
    }

    @Override
    public void columns(Signal signal, Block block, long columns) {
        tell(() -> listener.columns(signal.name(), block.fromColumn(), block.toColumn(), columns));
    }

    @Override
    public void forward(BoundNode node) {
        requireWanted("forward step", node);
        tell(() -> listener.forward(node.node().name()));
    }

    @Override
    public void unitProduct(String parameter, long fromElement, long toElement) {
        if (isUnwanted()) {
            throw ended("product with unit vectors", "of '" + parameter + "'");
        }
        tell(() -> listener.product(parameter, fromElement, toElement));
    }

    @Override
    public void backward(BoundNode node, Signal signal, Tensor arrived, Block block) {
        requireWanted("backward step", node);
        tell(() -> listener.backward(node.node().name(), signal.name()));
    }

    private void tell(Runnable event) {
        if (listener == PassListener.NONE) {
            return;
        }
        try {
            event.run();
        } catch (RuntimeException e) {
            throw new BackpackException(
                    KernelProblems.LISTENER_FAILURE,
                    "The pass was ended by its listener %s, which threw %s.".formatted(listener, e),
                    e);
        }
    }

    private void requireWanted(String step, BoundNode node) {
        if (isUnwanted()) {
            throw ended(step, "at " + node.described());
        }
    }

    private boolean isUnwanted() {
        return Thread.currentThread().isInterrupted() || cancellation.isCancelled();
    }

    private static BackpackException ended(String what, String where) {
        return new BackpackException(
                KernelProblems.CANCELLED,
                "The pass was ended %s, before its %s %s. It has no results; run it again."
                        .formatted(
                                Thread.currentThread().isInterrupted()
                                        ? "by the interruption of its thread"
                                        : "by its cancellation",
                                what,
                                where));
    }
}
