// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * h′ = f(a), a being what comes from the weights.
 *
 * @param activation f
 */
record PlainCell(Activation activation) implements Cell {

    @Override
    public int gates() {
        return 1;
    }

    @Override
    public int places() {
        return 1;
    }

    @Override
    public List<Run> ofState() {
        return List.of(new Run(0, 1, 0));
    }

    @Override
    public boolean hasMemory() {
        return false;
    }

    @Override
    public void forward(Elementwise ops, TensorScope scope, Step step) {
        ops.activation(activation, 0, step.place(0), step.place(0));
        ops.copy(step.place(0), step.next());
    }

    @Override
    public void push(Elementwise ops, TensorScope scope, Step values, Step tangents) {
        ops.activationPullback(activation, values.place(0), tangents.place(0), tangents.place(0));
        ops.copy(tangents.place(0), tangents.next());
    }

    @Override
    public Back pull(Terms terms, MovingStep step, Moving h, @Nullable Moving memory, Moving destination) {
        terms.pull(activation, step.place(0), h, destination.at(terms.scope(), 0));
        return new Back(null, null);
    }
}
