package io.backpack4j.training;

import io.backpack4j.spi.BackpackException;

/** An optimiser at work on a model. Owns what it remembers; used by one thread. */
public interface OptimizerRun extends AutoCloseable {

    /** Says what it needs of the next pass beside gradients. Called once before each pass. */
    default void prepare(PassPreparation pass) {}

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
