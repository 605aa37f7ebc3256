package io.backpack4j.training;

import io.backpack4j.spi.BackpackException;

/**
 * How parameters follow from gradients and whatever else a pass computes: an immutable description, best a record whose components are PyTorch's arguments.
 * {@link OptimizerProvider} makes it known by name.
 */
public interface Optimizer {

    /** The name by which users ask for it, such as {@code Adam}. */
    default String type() {
        return getClass().getSimpleName();
    }

    /** The learning rate that schedules start from, and groups that name none have. */
    double learningRate();

    /**
     * Starts on a model: allocates what has to be remembered from step to step on the backend.
     *
     * @return belongs to the thread that calls; closed by the trainer
     * @throws BackpackException if it does not work with this model
     */
    OptimizerRun start(OptimizerSetup setup);
}
