// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/** Ends a pass where its numbers cease to be finite, and says where that is. */
public final class NonFiniteSearch implements PassObserver {

    private final String loss;
    private final long[] sampleIds;

    /** @param loss the type of the loss, for messages */
    public NonFiniteSearch(String loss, long[] sampleIds) {
        this.loss = loss;
        this.sampleIds = sampleIds;
    }

    /** Ends the search. */
    public static final class Found extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private Found(String what) {
            super(what, null, false, false);
        }

        /** Finding, as the start of a sentence. */
        public String what() {
            return String.valueOf(getMessage());
        }
    }

    @Override
    public void evaluated(BoundNode node, Tensor output, long fromSample) {
        report("The output of " + node.described(), NonFinite.in(output, 0, fromSample, sampleIds));
    }

    @Override
    public void evaluated(Tensor values, long fromSample) {
        report("The value of loss " + loss, NonFinite.in(values, 0, fromSample, sampleIds));
    }

    @Override
    public void backward(BoundNode node, Signal signal, Tensor arrived, Block block) {
        report(
                "Signal '%s' at the output of %s".formatted(signal.name(), node.described()),
                NonFinite.in(arrived, 1, block.fromSample(), sampleIds));
    }

    private static void report(String where, Optional<NonFinite> found) {
        found.ifPresent(numbers -> {
            throw new Found(where + " " + numbers.described());
        });
    }
}
