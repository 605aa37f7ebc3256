// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.optimizer;

import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerRun;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.OptimizerStep;
import io.backpack4j.training.State;
import java.util.ArrayList;
import java.util.List;

/**
 * An optimiser at work that treats every element of every parameter alike. Counts steps, and keeps tensors beside
 * parameters.
 */
abstract class ElementwiseRun implements OptimizerRun {

    private static final String STEPS = "steps";

    final OptimizerSetup setup;
    final Elementwise elementwise;
    private final TensorScope scope;
    private final List<Slots> slots = new ArrayList<>();
    private final double weightDecay;
    private final boolean maximizes;
    private long steps;

    /**
     * Starts.
     *
     * @param weightDecay what of a parameter is added to its gradient, unless its group says otherwise
     * @param maximizes whether gradients are turned round first
     */
    ElementwiseRun(OptimizerSetup setup, double weightDecay, boolean maximizes) {
        this.setup = setup;
        this.elementwise = setup.backend().elementwise();
        this.scope = setup.backend().openScope();
        this.weightDecay = weightDecay;
        this.maximizes = maximizes;
    }

    /** Keeps a tensor beside each parameter. */
    final Slots slots(String name) {
        return slots(name, 0);
    }

    /** Keeps a tensor beside each parameter. */
    final Slots slots(String name, double start) {
        Slots made = new Slots(name, setup, scope, start);
        slots.add(made);
        return made;
    }

    /** The number of this step, from 1 on. */
    final long count() {
        return steps + 1;
    }

    @Override
    public final void step(OptimizerStep step) {
        for (String parameter : setup.parameters()) {
            try (TensorScope temporary = setup.backend().openScope()) {
                update(parameter, setup.parameter(parameter), step.gradient(parameter), step, temporary);
            }
        }
        steps++;
    }

    /** How much of a parameter is added to its gradient. */
    final double decay(String parameter) {
        return setup.weightDecay(parameter, weightDecay);
    }

    /** What gradients are multiplied by to go down: −1 if the loss is to become large. */
    final double sign() {
        return maximizes ? -1 : 1;
    }

    /** The gradient to go down, with as much of the parameter as is said: itself, or a new tensor. */
    final Tensor direction(Tensor value, Tensor gradient, double decay, TensorScope temporary) {
        if (!maximizes && decay == 0) {
            return gradient;
        }
        Tensor direction = temporary.allocate(value.shape(), value.dtype());
        elementwise.affine(gradient, sign(), 0, direction);
        if (decay != 0) {
            elementwise.addScaled(decay, value, direction);
        }
        return direction;
    }

    /**
     * Updates a parameter.
     *
     * @param value its numbers
     * @param gradient that of the loss, without weight decay: to be read
     * @param temporary closes after the call
     */
    abstract void update(String parameter, Tensor value, Tensor gradient, OptimizerStep step, TensorScope temporary);

    @Override
    public final void save(State state) {
        state.put(STEPS, steps);
        slots.forEach(slot -> slot.save(state));
    }

    @Override
    public final void load(State state) {
        steps = state.integer(STEPS);
        slots.forEach(slot -> slot.load(state));
    }

    @Override
    public final void close() {
        scope.close();
    }
}
