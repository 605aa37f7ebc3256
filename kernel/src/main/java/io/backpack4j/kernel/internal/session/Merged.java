// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/** A partial result of the batches so far, for the factor 1 of the loss. */
sealed interface Merged permits MergedCounts, MergedMaximum, MergedMoments, MergedSamples, MergedSum {

    /** The shape that further parts must have; the axis of samples has size 0. */
    Shape shape();

    /** Adds the part of a batch. */
    void add(PassPartials.Value part);

    /** Adds what another session merged: of the same kind. */
    void add(Merged other);

    /**
     * Tensors that extensions make results of.
     *
     * @param scope owns the tensors
     * @param factor by which everything is multiplied; for moments the sum is, and centred squares by its square
     */
    PassPartials.Value value(TensorScope scope, double factor);

    /** Everything that is needed to go on, by suffixes of the slot's name. */
    Map<String, SessionState.Numbers> state();

    /** The tensors of a value with one. */
    static PassPartials.Value single(Tensor tensor) {
        return new PassPartials.Value(List.of(tensor), 0);
    }
}
