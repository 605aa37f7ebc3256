// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.MergeRule;

/**
 * Inner products of the gradients of two signals.
 *
 * @param stage the walk in which they meet
 * @param left the signal to the left
 * @param right the signal to the right, which may be the same
 * @param products which
 */
public record PairKey(int stage, Signal left, Signal right, CrossInnerProducts products) {

    /** Rule by which parts of them merge. */
    public MergeRule rule() {
        return products.mergeRule();
    }

    /** Their degree in the loss's factor c. */
    public double degree() {
        return left.degree() + right.degree();
    }

    public boolean involves(Signal signal) {
        return left.equals(signal) || right.equals(signal);
    }

    public boolean isOfOneSignal() {
        return left.equals(right);
    }

    /**
     * Whether a signal's columns may come in blocks: blocks of one signal meet each other in walks of their own, and
     * the gradient rides along with every block. Of two different roots, both would have to.
     */
    public boolean splitsColumns(Signal signal) {
        return !involves(signal) || isOfOneSignal() || left instanceof LossGradient || right instanceof LossGradient;
    }

    /** Whether the batch may come in chunks. */
    public boolean splitsSamples() {
        return rule() != MergeRule.NOT_MERGEABLE;
    }

    /** Words for messages. */
    public String described() {
        return isOfOneSignal()
                ? "inner products of the '%s' with itself".formatted(left.name())
                : "inner products of the '%s' with the '%s'".formatted(left.name(), right.name());
    }
}
