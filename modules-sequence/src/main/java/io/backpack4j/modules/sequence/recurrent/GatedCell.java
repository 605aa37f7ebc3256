// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;
import static io.backpack4j.spi.backend.BinaryOperation.SUBTRACT;

import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * h′ = n + z ⊙ (h − n), n = tanh(a_n + r ⊙ q); the places become r, z = σ(a) and n, in PyTorch's order, and q is what
 * the state's weight gives to n, before the reset gate.
 */
final class GatedCell implements Cell {

    private static final int RESET = 0;
    private static final int UPDATE = 1;
    private static final int FRESH = 2;
    private static final int OF_STATE = 3;

    @Override
    public int gates() {
        return 3;
    }

    @Override
    public int places() {
        return 4;
    }

    @Override
    public List<Run> ofState() {
        return List.of(new Run(RESET, 2, RESET), new Run(FRESH, 1, OF_STATE));
    }

    @Override
    public boolean hasMemory() {
        return false;
    }

    @Override
    public void forward(Elementwise ops, TensorScope scope, Step step) {
        Tensor reset = step.place(RESET);
        ops.activation(SIGMOID, 0, reset, reset);
        Tensor update = step.place(UPDATE);
        ops.activation(SIGMOID, 0, update, update);
        Tensor fresh = step.place(FRESH);
        Tensor term = scope.allocate(fresh.shape(), fresh.dtype());
        ops.combine(MULTIPLY, reset, step.place(OF_STATE), term);
        ops.addScaled(1, term, fresh);
        ops.activation(TANH, 0, fresh, fresh);
        Tensor next = step.next();
        ops.combine(SUBTRACT, step.last(), fresh, next);
        ops.combine(MULTIPLY, next, update, next);
        ops.addScaled(1, fresh, next);
    }

    @Override
    public void push(Elementwise ops, TensorScope scope, Step values, Step tangents) {
        for (int place : new int[] {RESET, UPDATE}) {
            Tensor moving = tangents.place(place);
            ops.activationPullback(SIGMOID, values.place(place), moving, moving);
        }
        Tensor fresh = tangents.place(FRESH);
        Tensor term = scope.allocate(fresh.shape(), fresh.dtype());
        ops.combine(MULTIPLY, tangents.place(RESET), values.place(OF_STATE), term);
        ops.addScaled(1, term, fresh);
        ops.combine(MULTIPLY, tangents.place(OF_STATE), values.place(RESET), term);
        ops.addScaled(1, term, fresh);
        ops.activationPullback(TANH, values.place(FRESH), fresh, fresh);
        Tensor next = tangents.next();
        ops.combine(SUBTRACT, tangents.last(), fresh, next);
        ops.combine(MULTIPLY, next, values.place(UPDATE), next);
        ops.addScaled(1, fresh, next);
        Tensor change = scope.allocate(values.last().shape(), fresh.dtype());
        ops.combine(SUBTRACT, values.last(), values.place(FRESH), change);
        ops.combine(MULTIPLY, tangents.place(UPDATE), change, term);
        ops.addScaled(1, term, next);
    }

    @Override
    public Back pull(Terms terms, MovingStep step, Moving h, @Nullable Moving memory, Moving destination) {
        TensorScope scope = terms.scope();
        Moving reset = step.place(RESET);
        Moving update = step.place(UPDATE);
        Moving fresh = step.place(FRESH);
        Moving ofFresh = terms.pulled(TANH, fresh, terms.product(h, terms.complement(update)));
        terms.write(ofFresh, destination.at(scope, FRESH));
        Moving change = terms.product(h, terms.difference(step.last(), fresh));
        terms.pull(SIGMOID, update, change, destination.at(scope, UPDATE));
        terms.pull(SIGMOID, reset, terms.product(ofFresh, step.place(OF_STATE)), destination.at(scope, RESET));
        terms.write(terms.product(ofFresh, reset), destination.at(scope, OF_STATE));
        return new Back(terms.product(h, update), null);
    }
}
