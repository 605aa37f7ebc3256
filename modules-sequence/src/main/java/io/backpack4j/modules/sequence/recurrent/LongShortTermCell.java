// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * c′ = f ⊙ c + i ⊙ g, h′ = o ⊙ tanh c′; the places become i, f, o = σ(a) and g = tanh a, in PyTorch's order i, f, g, o.
 */
final class LongShortTermCell implements Cell {

    private static final int INPUT = 0;
    private static final int FORGET = 1;
    private static final int CANDIDATE = 2;
    private static final int OUTPUT = 3;

    @Override
    public int gates() {
        return 4;
    }

    @Override
    public int places() {
        return 4;
    }

    @Override
    public List<Run> ofState() {
        return List.of(new Run(0, 4, 0));
    }

    @Override
    public boolean isFused() {
        return true;
    }

    @Override
    public boolean hasMemory() {
        return true;
    }

    @Override
    public void forward(Elementwise ops, TensorScope scope, Step step) {
        Tensor input = step.place(INPUT);
        ops.activation(SIGMOID, 0, input, input);
        Tensor forget = step.place(FORGET);
        ops.activation(SIGMOID, 0, forget, forget);
        Tensor candidate = step.place(CANDIDATE);
        ops.activation(TANH, 0, candidate, candidate);
        Tensor output = step.place(OUTPUT);
        ops.activation(SIGMOID, 0, output, output);
        Tensor next = step.nextMemory();
        Tensor fresh = scope.allocate(next.shape(), next.dtype());
        ops.combine(MULTIPLY, forget, step.lastMemory(), next);
        ops.combine(MULTIPLY, input, candidate, fresh);
        ops.addScaled(1, fresh, next);
        Tensor bounded = step.bounded();
        ops.activation(TANH, 0, next, bounded);
        ops.combine(MULTIPLY, output, bounded, step.next());
    }

    @Override
    public void push(Elementwise ops, TensorScope scope, Step values, Step tangents) {
        for (int place = 0; place < places(); place++) {
            Tensor moving = tangents.place(place);
            ops.activationPullback(place == CANDIDATE ? TANH : SIGMOID, values.place(place), moving, moving);
        }
        Tensor next = tangents.nextMemory();
        Tensor term = scope.allocate(next.shape(), next.dtype());
        ops.combine(MULTIPLY, tangents.place(FORGET), values.lastMemory(), next);
        ops.combine(MULTIPLY, tangents.lastMemory(), values.place(FORGET), term);
        ops.addScaled(1, term, next);
        ops.combine(MULTIPLY, tangents.place(INPUT), values.place(CANDIDATE), term);
        ops.addScaled(1, term, next);
        ops.combine(MULTIPLY, tangents.place(CANDIDATE), values.place(INPUT), term);
        ops.addScaled(1, term, next);
        ops.activationPullback(TANH, values.bounded(), next, tangents.bounded());
        Tensor h = tangents.next();
        ops.combine(MULTIPLY, tangents.place(OUTPUT), values.bounded(), h);
        ops.combine(MULTIPLY, tangents.bounded(), values.place(OUTPUT), term);
        ops.addScaled(1, term, h);
    }

    @Override
    public Back pull(Terms terms, MovingStep step, Moving h, @Nullable Moving memory, Moving destination) {
        TensorScope scope = terms.scope();
        Moving output = step.place(OUTPUT);
        Moving bounded = step.bounded();
        Moving input = step.place(INPUT);
        Moving forget = step.place(FORGET);
        Moving candidate = step.place(CANDIDATE);
        terms.pull(SIGMOID, output, terms.product(h, bounded), destination.at(scope, OUTPUT));
        Moving ofMemory =
                terms.sum(Objects.requireNonNull(memory), terms.pulled(TANH, bounded, terms.product(h, output)));
        terms.pull(SIGMOID, input, terms.product(ofMemory, candidate), destination.at(scope, INPUT));
        terms.pull(SIGMOID, forget, terms.product(ofMemory, step.lastMemory()), destination.at(scope, FORGET));
        terms.pull(TANH, candidate, terms.product(ofMemory, input), destination.at(scope, CANDIDATE));
        return new Back(null, terms.product(ofMemory, forget));
    }
}
