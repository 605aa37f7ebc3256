// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.SampledBatches;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Trains a model. {@link #fit} runs in the thread that calls it and changes the model's numbers in place; the model
 * must not be used elsewhere meanwhile. A trainer with listeners is good for one run, for they are closed with it.
 */
public final class Trainer {

    final BackPack backpack;
    final Model model;
    final Optimizer optimizer;
    final Schedule schedule;
    final long epochs;
    final OptionalLong maxSteps;
    final long seed;
    final List<ParameterGroup> groups;
    final Clipping clipping;
    final OptionalDouble averaging;
    final List<Metric> metrics;
    final Optional<Batches> validation;
    final long validateEvery;
    final Optional<String> monitored;
    final OptionalLong patience;
    final PassOptions passOptions;
    final NanPolicy nanPolicy;
    final List<Request<?>> requests;
    final List<TrainingListener> listeners;
    final TrainingLog log;
    final Optional<Checkpoints> checkpoints;
    final OptionalLong checkpointEvery;
    final boolean resumes;
    final Cancellation cancellation;

    private final int batch;
    private final boolean shuffles;
    private final boolean dropsLast;

    private Trainer(Builder builder, Optimizer optimizer) {
        this.backpack = builder.backpack;
        this.model = builder.model;
        this.optimizer = optimizer;
        this.schedule = builder.schedule;
        this.epochs = builder.epochs;
        this.maxSteps = builder.maxSteps;
        this.seed = builder.seed;
        this.groups = List.copyOf(builder.groups);
        this.clipping = builder.clipping;
        this.averaging = builder.averaging;
        this.metrics = List.copyOf(builder.metrics);
        this.validation = builder.validation;
        this.validateEvery = builder.validateEvery;
        this.monitored = builder.monitored;
        this.patience = builder.patience;
        this.passOptions = builder.passOptions;
        this.nanPolicy = builder.nanPolicy;
        this.requests = List.copyOf(builder.requests);
        this.listeners = List.copyOf(builder.listeners);
        this.log = builder.log;
        this.checkpoints = builder.checkpoints;
        this.checkpointEvery = builder.checkpointEvery;
        this.resumes = builder.resumes;
        this.cancellation = builder.cancellation;
        this.batch = builder.batch;
        this.shuffles = builder.shuffles;
        this.dropsLast = builder.dropsLast;
    }

    /**
     * Says how to train, step by step.
     *
     * @param backpack stays open as long as the run
     * @param model with a loss; parameters that nobody set are drawn at their first use
     */
    public static Builder builder(BackPack backpack, Model model) {
        return new Builder(backpack, model);
    }

    /**
     * Trains on a data set.
     *
     * @param data stays the caller's; read by a background thread meanwhile
     * @throws BackpackException if something does not fit, or numbers are not finite
     */
    public TrainingResult fit(DataSource data) {
        try (Batches batches = optimizer.batches(data, batch, shuffles, dropsLast, seed)) {
            return fit(batches);
        }
    }

    /**
     * Trains on batches in their own order.
     *
     * @param batches stay the caller's; read by a background thread meanwhile
     * @throws BackpackException if something does not fit, or numbers are not finite
     */
    public TrainingResult fit(Batches batches) {
        try (TrainingRun run = new TrainingRun(this, batches)) {
            return run.run();
        }
    }

    /** Says how to train. Only the optimiser must be given. */
    public static final class Builder {

        private final BackPack backpack;
        private final Model model;
        private Optional<Optimizer> optimizer = Optional.empty();
        private Schedule schedule = Schedule.CONSTANT;
        private long epochs = 1;
        private OptionalLong maxSteps = OptionalLong.empty();
        private int batch = 32;
        private boolean shuffles = true;
        private boolean dropsLast;
        private long seed;
        private final List<ParameterGroup> groups = new ArrayList<>();
        private Clipping clipping = Clipping.NONE;
        private OptionalDouble averaging = OptionalDouble.empty();
        private final List<Metric> metrics = new ArrayList<>();
        private Optional<Batches> validation = Optional.empty();
        private long validateEvery = 1;
        private Optional<String> monitored = Optional.empty();
        private OptionalLong patience = OptionalLong.empty();
        private PassOptions passOptions = PassOptions.DEFAULT;
        private NanPolicy nanPolicy = NanPolicy.FAIL;
        private final List<Request<?>> requests = new ArrayList<>();
        private final List<TrainingListener> listeners = new ArrayList<>();
        private TrainingLog log = TrainingLog.NONE;
        private Optional<Checkpoints> checkpoints = Optional.empty();
        private OptionalLong checkpointEvery = OptionalLong.empty();
        private boolean resumes;
        private Cancellation cancellation = new Cancellation();

        private Builder(BackPack backpack, Model model) {
            this.backpack = backpack;
            this.model = model;
        }

        /** What makes updates. */
        public Builder optimizer(Optimizer other) {
            optimizer = Optional.of(other);
            return this;
        }

        /** How rates change; constant by default. */
        public Builder schedule(Schedule other) {
            schedule = other;
            return this;
        }

        /** How often all data is seen, in all; 1 by default. */
        public Builder epochs(long count) {
            epochs = atLeastOne("number of epochs", count);
            return this;
        }

        /** Ends the run after so many steps in all, those before a resumption included. */
        public Builder maxSteps(long count) {
            maxSteps = OptionalLong.of(atLeastOne("number of steps", count));
            return this;
        }

        /** Samples per batch, of training and validation; 32 by default. */
        public Builder batch(int samples) {
            batch = (int) atLeastOne("batch size", samples);
            return this;
        }

        /** Whether samples come in another order in each epoch, as is the default. */
        public Builder shuffle(boolean shuffled) {
            shuffles = shuffled;
            return this;
        }

        /** Leaves out a last batch that is smaller than others. */
        public Builder dropLast(boolean drops) {
            dropsLast = drops;
            return this;
        }

        /** From which the order of samples and the draws of passes follow; 0 by default. */
        public Builder seed(long number) {
            seed = number;
            return this;
        }

        /** Trains some parameters in another way. */
        public Builder group(ParameterGroup group) {
            groups.add(group);
            return this;
        }

        /**
         * Scales all gradients together so that their norm is at most {@code norm}, as {@code
         * torch.nn.utils.clip_grad_norm_}.
         */
        public Builder clipNorm(double norm) {
            clipping = clipping.norm(norm);
            return this;
        }

        /**
         * Limits each element of gradients, as {@code torch.nn.utils.clip_grad_value_}; before any clipping by norm.
         */
        public Builder clipValue(double value) {
            clipping = clipping.value(value);
            return this;
        }

        /**
         * Keeps moving averages of parameters, a ← decay · a + (1 − decay) · θ after each step, from the first step's θ
         * on. Validation sees them, and the model has them when the run ends.
         */
        public Builder averaging(double decay) {
            averaging = OptionalDouble.of(decay);
            return this;
        }

        /** Computes a metric, for training and validation. The loss is always there. */
        public Builder metric(Metric metric) {
            metrics.add(metric);
            return this;
        }

        /** Data that is predicted after each epoch. It stays the caller's. */
        public Builder validation(DataSource heldOut) {
            return validation(new SampledBatches(heldOut, batch, false, false, 0));
        }

        /** Data that is predicted after each epoch. It stays the caller's. */
        public Builder validation(Batches heldOut) {
            validation = Optional.of(heldOut);
            return this;
        }

        /** Predicts held-out data after every so many epochs, and the last. */
        public Builder validateEvery(long count) {
            validateEvery = atLeastOne("interval of validations", count);
            return this;
        }

        /**
         * Which of an epoch's values says how good a model is, such as {@code valid_accuracy}: for the best checkpoint,
         * early stopping and schedules that watch. By default {@code valid_loss} if there is held-out data, else {@code
         * train_loss}.
         */
        public Builder monitor(String value) {
            monitored = Optional.of(value);
            return this;
        }

        /** Ends the run when what is monitored did not become better for so many validations. */
        public Builder earlyStopping(long validations) {
            patience = OptionalLong.of(atLeastOne("patience", validations));
            return this;
        }

        /**
         * Ends the run when gradients are no more than noise over so many epochs in a row; see {@link
         * EvidenceStopping}.
         */
        public Builder evidenceStopping(long epochsAbove) {
            return listener(new EvidenceStopping(epochsAbove));
        }

        /** How passes are split, and in which modes modules work. */
        public Builder pass(PassOptions options) {
            passOptions = options;
            return this;
        }

        /**
         * Takes so many samples of a batch at a time and adds their gradients up. Loss, gradients and all results are
         * those of the whole batch, within rounding: the loss's factor comes from all targets, draws from the samples'
         * ids. What needs the batch as a whole, such as batch norms in train mode, is refused by name.
         */
        public Builder microBatch(long samples) {
            passOptions = passOptions.chunk(samples);
            return this;
        }

        /**
         * What happens when loss or gradients are not finite: by default the run fails, after the step's line is
         * written.
         */
        public Builder nan(NanPolicy policy) {
            nanPolicy = policy;
            return this;
        }

        /** Computes an extension in the pass of every step, for listeners. */
        public Builder request(Request<?> request) {
            requests.add(request);
            return this;
        }

        /** Adds somebody who is told. The trainer closes it when the run ends. */
        public Builder listener(TrainingListener listener) {
            listeners.add(listener);
            return this;
        }

        /** Where lines about steps and epochs go. The trainer closes it when the run ends. */
        public Builder log(TrainingLog other) {
            log = other;
            return this;
        }

        /** Keeps a checkpoint after every epoch, and when the run ends. */
        public Builder checkpoints(Checkpoints store) {
            checkpoints = Optional.of(store);
            return this;
        }

        /** Keeps a checkpoint after every so many steps, too. */
        public Builder checkpointEvery(long steps) {
            checkpointEvery = OptionalLong.of(atLeastOne("interval of checkpoints", steps));
            return this;
        }

        /** Goes on from the last checkpoint. */
        public Builder resume(boolean goesOn) {
            resumes = goesOn;
            return this;
        }

        /** Ends the run from another thread: the step in progress is given up, a checkpoint kept. */
        public Builder cancellation(Cancellation other) {
            cancellation = other;
            return this;
        }

        /**
         * Makes the trainer.
         *
         * @throws BackpackException if no optimiser was given, or options do not go together
         */
        public Trainer build() {
            if (optimizer.isEmpty()) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION, "A trainer needs an optimiser, such as new SGD(0.1).");
            }
            if (resumes && checkpoints.isEmpty()) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION, "A run that is to be resumed needs a place of checkpoints.");
            }
            return new Trainer(this, optimizer.get());
        }

        private static long atLeastOne(String what, long value) {
            if (value < 1) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION, "The %s is %d, but must be at least 1.".formatted(what, value));
            }
            return value;
        }
    }
}
