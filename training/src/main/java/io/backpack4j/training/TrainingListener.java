// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

/**
 * Is told what happens in training, in the thread that trains. Whatever it throws ends the run. Events are valid during
 * the call.
 */
public interface TrainingListener extends AutoCloseable {

    /** The name under which its state stands in checkpoints; unique within a run. */
    default String name() {
        return getClass().getSimpleName();
    }

    /** Training starts, or is about to go on: {@link #load} follows in that case. */
    default void onStart(Training training) {}

    /** Asks for extensions and brings operands for the next pass. */
    default void prepare(PassPreparation pass) {}

    /** A pass is done; parameters are those before the step. Results are open until after {@link #onStepped}. */
    default void onTrainingBatch(TrainingStep step) {}

    /** Parameters were updated. Not called if numbers were not finite. */
    default void onStepped(TrainingStep step) {}

    /** Held-out data was predicted. */
    default void onValidation(ValidationResult result) {}

    /** An epoch has ended, after its validation. */
    default void onEpoch(EpochResult result) {}

    /** Training has ended, by itself or because somebody stopped it; not after a failure. */
    default void onEnd(TrainingResult result) {}

    /** Puts what it remembers into a checkpoint. */
    default void save(State state) {}

    /** Goes on where {@link #save} stood. */
    default void load(State state) {}

    /** Returns what it owns, after {@link #onEnd} or a failure. */
    @Override
    default void close() {}
}
