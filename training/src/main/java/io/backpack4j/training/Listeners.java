// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** All listeners of a run, in the order in which they were added. */
final class Listeners implements AutoCloseable {

    private final Map<String, TrainingListener> byName = new LinkedHashMap<>();

    Listeners(List<TrainingListener> all) {
        for (TrainingListener listener : all) {
            String name = listener.name();
            for (int i = 2; byName.containsKey(name); i++) {
                name = listener.name() + "-" + i;
            }
            byName.put(name, listener);
        }
    }

    private void each(Consumer<TrainingListener> event) {
        byName.values().forEach(event);
    }

    void start(Training training) {
        each(listener -> listener.onStart(training));
    }

    void prepare(PassPreparation pass) {
        each(listener -> listener.prepare(pass));
    }

    void trainingBatch(TrainingStep step) {
        each(listener -> listener.onTrainingBatch(step));
    }

    void stepped(TrainingStep step) {
        each(listener -> listener.onStepped(step));
    }

    void validation(ValidationResult result) {
        each(listener -> listener.onValidation(result));
    }

    void epoch(EpochResult result) {
        each(listener -> listener.onEpoch(result));
    }

    void end(TrainingResult result) {
        each(listener -> listener.onEnd(result));
    }

    void save(State state) {
        byName.forEach((name, listener) -> listener.save(state.at(name)));
    }

    void load(State state) {
        byName.forEach((name, listener) -> listener.load(state.at(name)));
    }

    /** Closes all, whatever some of them throw. */
    @Override
    public void close() {
        RuntimeException failure = null;
        for (TrainingListener listener : byName.values()) {
            try {
                listener.close();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
