// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Counts the steps of which a {@link io.backpack4j.kernel.PassListener} is told, and the columns of signals. */
public final class StepCounter implements PassObserver {

    private final Runnable made;
    private long steps;
    private long widestColumns = 1;
    private final SortedMap<String, Long> unitProducts = new TreeMap<>();
    private Optional<KeptSum> largestSum = Optional.empty();
    private final SortedMap<String, Plan.Meetings> meetings = new TreeMap<>();

    /**
     * A sum that is kept in one piece.
     *
     * @param what it, beginning a sentence
     */
    public record KeptSum(String what, Shape shape, long bytes) {

        /** Refuses it where no tensor can hold it. */
        public void requireTensor() {
            if (shape.elements() > Integer.MAX_VALUE) {
                throw refusal("%d elements are the most that a tensor can be read with".formatted(Integer.MAX_VALUE));
            }
        }

        /**
         * An error about its size.
         *
         * @param limit what it exceeds, as the end of a sentence
         */
        public BackpackException refusal(String limit) {
            return new BackpackException(
                    KernelProblems.MEMORY_BUDGET,
                    "%s are a matrix %s of %d bytes, which is kept as a whole, and %s. Take smaller groups of parameters (groups), fewer samples (subsampling), or a Monte-Carlo root of fewer columns (mc_samples)."
                            .formatted(what, shape, bytes, limit));
        }
    }

    /** @param made is called when all results are made */
    public StepCounter(Runnable made) {
        this.made = made;
    }

    /** Number of steps so far. */
    public long steps() {
        return steps;
    }

    /** The most columns that any signal has. */
    public long widestColumns() {
        return widestColumns;
    }

    /** Numbers of products with unit vectors, by parameter. */
    public SortedMap<String, Long> unitProducts() {
        return unitProducts;
    }

    /** The largest of the sums that are kept in one piece, if there are any. */
    public Optional<KeptSum> largestSum() {
        return largestSum;
    }

    /** How blocks of columns met, by signal. */
    public SortedMap<String, Plan.Meetings> meetings() {
        return meetings;
    }

    @Override
    public void met(Signal signal, long blocks, long kept, long walks) {
        meetings.merge(
                signal.name(),
                new Plan.Meetings(blocks, kept, walks),
                (all, own) -> new Plan.Meetings(own.blocks(), own.keptBlocks(), all.walks() + own.walks()));
    }

    @Override
    public boolean isTrial() {
        return true;
    }

    @Override
    public void sum(String what, Shape shape, long bytes) {
        if (largestSum.isEmpty() || largestSum.get().bytes() < bytes) {
            KeptSum sum = new KeptSum(what, shape, bytes);
            // At once: a trial of all pairs of so many columns would take minutes.
            sum.requireTensor();
            largestSum = Optional.of(sum);
        }
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
    public boolean isRehearsal() {
        return true;
    }

    @Override
    public void unitProducts(String parameter, long elements, long blocks, long times) {
        steps += blocks * times;
        unitProducts.merge(parameter, elements * times, Long::sum);
    }

    @Override
    public void backward(BoundNode node, Signal signal, Tensor arrived, Block block) {
        steps++;
    }
}
