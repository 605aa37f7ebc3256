// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;

/** Makes checkpoints of a run, and goes on from them. */
final class RunCheckpoints {

    private final Trainer trainer;
    private final Updates updates;
    private final Listeners listeners;
    private final Monitor monitor;
    private long savedStep = -1;

    RunCheckpoints(Trainer trainer, Updates updates, Listeners listeners, Monitor monitor) {
        this.trainer = trainer;
        this.updates = updates;
        this.listeners = listeners;
        this.monitor = monitor;
    }

    /** Keeps a checkpoint if somebody keeps them. */
    void saveIfKept(long step, long epoch, long batch, Scores scores) {
        if (trainer.checkpoints.isPresent()) {
            trainer.checkpoints.get().save(new Checkpoint(step, epoch, batch, state(scores)));
            savedStep = step;
        }
    }

    /** Keeps a checkpoint unless there is one of this step. */
    void save(long step, long epoch, long batch, Scores scores) {
        if (savedStep != step) {
            saveIfKept(step, epoch, batch, scores);
        }
    }

    void saveBest(long step, long epoch, long batch, Scores scores) {
        if (trainer.checkpoints.isPresent()) {
            updates.averages().swapIn();
            try {
                trainer.checkpoints.get().saveBest(new Checkpoint(step, epoch, batch, state(scores)));
            } finally {
                updates.averages().swapOut();
            }
        }
    }

    /** The last checkpoint; the caller closes it. */
    Checkpoint last() {
        return trainer.checkpoints
                .flatMap(Checkpoints::last)
                .orElseThrow(() -> new BackpackException(
                        TrainingProblems.NO_CHECKPOINT,
                        "There is no checkpoint to go on from. Leave the resumption out to start anew."));
    }

    private State state(Scores scores) {
        State state = new State();
        Parameters parameters = trainer.model.parameters();
        State model = state.at("model");
        parameters.names().forEach(name -> model.put(name, parameters.get(name)));
        State own = state.at("trainer");
        own.put("seed", trainer.seed);
        own.put("schedule", trainer.schedule.toString());
        scores.save(own.at("scores"));
        monitor.save(own.at("monitor"));
        updates.save(state);
        listeners.save(state.at("listener"));
        trainer.log.save(state.at("log"));
        return state;
    }

    /**
     * Puts everything back.
     *
     * @throws BackpackException if the checkpoint is of another run
     */
    void restore(State state, Scores scores) {
        Parameters parameters = trainer.model.parameters();
        State own = state.at("trainer");
        requireSame("seed", String.valueOf(own.integer("seed")), String.valueOf(trainer.seed));
        requireSame("schedule", own.text("schedule"), trainer.schedule.toString());
        State model = state.at("model");
        for (String name : parameters.names()) {
            model.read(name, parameters.get(name));
        }
        scores.load(own.at("scores"));
        monitor.load(own.at("monitor"));
        updates.load(state);
        listeners.load(state.at("listener"));
        trainer.log.load(state.at("log"));
    }

    private static void requireSame(String what, String saved, String wanted) {
        if (!saved.equals(wanted)) {
            throw new BackpackException(
                    TrainingProblems.FOREIGN_CHECKPOINT,
                    "The checkpoint was made with %s %s, but the run has %s. Go on with the same, or start anew."
                            .formatted(what, saved, wanted));
        }
    }
}
