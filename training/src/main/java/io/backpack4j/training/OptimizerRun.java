// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** An optimiser at work on a model. Owns what it remembers; used by one thread. */
public interface OptimizerRun extends AutoCloseable {

    /** Why no further step may be taken, if so. Asked before each step. */
    default Optional<String> stopReason() {
        return Optional.empty();
    }

    /** What it has to say at the end of an epoch, by names for the log; nothing by default. */
    default Map<String, Double> values() {
        return Map.of();
    }

    /** Says what it needs of the next pass beside gradients. Called once before each pass. */
    default void prepare(PassPreparation pass) {}

    /**
     * Says what is known of the next update before its pass, for those who measure along it. Empty, as by default,
     * where an update is no linear function of the gradient.
     *
     * @param rates the learning rates of the parameters
     * @param momentum what the schedule says instead of the optimiser's, if it cycles it
     * @param scope owns the tensors that are made
     */
    default Optional<LinearUpdate> plan(Map<String, Double> rates, OptionalDouble momentum, TensorScope scope) {
        return Optional.empty();
    }

    /**
     * Updates the model's parameters in place, after a pass.
     *
     * @throws BackpackException if the numbers do not allow a step, naming the parameter
     */
    void step(OptimizerStep step);

    /** Puts everything into {@code state} that the next step depends on and that was not given at the start. */
    void save(State state);

    /**
     * Goes on where {@link #save} stood.
     *
     * @throws BackpackException if the state is of another optimiser or model
     */
    void load(State state);

    /** Returns the memory. */
    @Override
    void close();
}
