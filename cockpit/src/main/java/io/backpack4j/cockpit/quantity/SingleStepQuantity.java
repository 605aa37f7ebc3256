// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;

/** A quantity of the parameters and the batch of one step. */
public non-sealed interface SingleStepQuantity extends Quantity {

    /**
     * What the pass of a step computes for it.
     *
     * @param due whether a value is wanted at this step; what it needs else is for what it keeps from step to step
     */
    default List<Extension<?>> extensions(long step, boolean due) {
        return List.of();
    }

    /**
     * The operands of the network that its extensions declare.
     *
     * @param sampleScale what gradients without the loss's factor are multiplied by to be g_n
     */
    default Map<String, NetworkOperand> operands(double sampleScale) {
        return Map.of();
    }

    /** Whether it looks at the parameters of the first step, which are kept then. */
    default boolean needsReference() {
        return false;
    }

    /**
     * Checks that the network can give it, beside what a plan of its extensions finds.
     *
     * @throws io.backpack4j.spi.BackpackException with the reason if not
     */
    default void check(BackPack backpack, Model model, Batch batch) {}

    /** Makes the value for some parameters, in their order. */
    Measurement compute(Observation step, List<String> parameters);

    /**
     * Called at every step for which {@link #extensions} named something or the quantity is due, behind {@link
     * #compute}: what is found here acts from the next step on.
     *
     * @param parameters all that it is for
     */
    default void keep(Observation step, List<String> parameters) {}

    /** What it keeps from step to step, by names of its own, so that a run can go on from a file. */
    default Map<String, double[]> state() {
        return Map.of();
    }

    /** Takes over what {@link #state} said. */
    default void restore(Map<String, double[]> state) {}

    /**
     * Numbers of an operand.
     *
     * @param shape its shape
     * @param values row-major
     */
    record NetworkOperand(Shape shape, double[] values) {}
}
