// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.SampledBatches;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How parameters follow from gradients and whatever else a pass computes: an immutable description, best a record whose
 * components are PyTorch's arguments. {@link OptimizerProvider} makes it known by name.
 */
public interface Optimizer {

    /** The name by which users ask for it, such as {@code Adam}. */
    default String type() {
        return getClass().getSimpleName();
    }

    /**
     * The options by name, as {@link OptimizerProvider#create} takes them: numbers, flags, words, lists of such, or
     * null. By default the components of the record, see {@link RecordArguments}, and nothing of what is no record.
     */
    default Map<String, @Nullable Object> arguments() {
        return getClass().isRecord() ? RecordArguments.of(this, type()) : Map.of();
    }

    /** The learning rate that schedules start from, and groups that name none have. */
    double learningRate();

    /**
     * Whether updates are made of the gradients in {@link OptimizerStep#gradients} and of what came of earlier ones
     * alone: nothing is taken from the batch, or from other results of its pass. False unless it says so.
     */
    default boolean usesGradientsOnly() {
        return false;
    }

    /**
     * The batches of a data set that it works with: by default every sample once per epoch.
     *
     * @param data stays the caller's
     * @param batch samples per batch
     * @param shuffled whether samples come in another order in each epoch
     * @param dropsLast whether a last batch that is smaller than others is left out
     * @param seed of the order
     */
    default Batches batches(DataSource data, int batch, boolean shuffled, boolean dropsLast, long seed) {
        return new SampledBatches(data, batch, shuffled, dropsLast, seed);
    }

    /**
     * Starts on a model: allocates what has to be remembered from step to step on the backend.
     *
     * @return belongs to the thread that calls; closed by the trainer
     * @throws BackpackException if it does not work with this model
     */
    OptimizerRun start(OptimizerSetup setup);
}
