package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;

/**
 * Key of an accumulated result. Equal keys at a site are one result.
 *
 * @param stage the walk that fills it
 * @param signal the signal contracted
 * @param contraction the contraction
 */
public record AccumulatorKey(int stage, Signal signal, Contraction contraction) {

    /** The gradient, which every site accumulates. */
    public static final AccumulatorKey GRADIENT = new AccumulatorKey(1, new LossGradient(), new Contraction.Sum());

    /** Key of what is accumulated for it: itself, or what it is condensed of in the end. */
    public AccumulatorKey source() {
        return contraction
                .condensed()
                .map(condensed -> new AccumulatorKey(stage, signal, condensed.source()))
                .orElse(this);
    }

    /** Whether its parts are made with a result of the whole batch. */
    public boolean isOfBatch() {
        return contraction.ofBatch().isPresent();
    }

    /** Rule by which parts of it merge. */
    public MergeRule rule() {
        return contraction.mergeRule();
    }

    /** Degree in the loss's factor c; that of the centred squares, for moments. */
    public double degree() {
        return signal.degree() * contraction.power();
    }

    /** Whether the signal's columns may come in blocks. */
    public boolean splitsColumns() {
        return contraction.splitsColumns();
    }

    /** Whether the batch may come in chunks. */
    public boolean splitsSamples() {
        return rule() != MergeRule.NOT_MERGEABLE;
    }
}
