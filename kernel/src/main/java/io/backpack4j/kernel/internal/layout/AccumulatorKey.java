// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.CondensedContraction;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import java.util.Collection;
import java.util.Optional;

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

    /**
     * Key of what is accumulated for it: itself, or what it is condensed of in the end.
     *
     * @param others what is accumulated at the site
     */
    public AccumulatorKey source(Collection<AccumulatorKey> others) {
        Optional<CondensedContraction> contained = contraction.contained();
        if (contained.isPresent() && others.contains(of(contained.get()))) {
            return of(contained.get());
        }
        return contraction.condensed().map(this::of).orElse(this);
    }

    private AccumulatorKey of(CondensedContraction condensed) {
        return new AccumulatorKey(stage, signal, condensed.source());
    }

    /** How it becomes of what is accumulated for it; not at all if that is itself. */
    public Optional<CondensedContraction> condensed(AccumulatorKey accumulated) {
        Optional<CondensedContraction> contained = contraction.contained();
        if (contained.isPresent() && contained.get().source().equals(accumulated.contraction())) {
            return contained;
        }
        return contraction.condensed().filter(condensed -> condensed.source().equals(accumulated.contraction()));
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
