// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.Batches;
import io.backpack4j.training.data.Prefetcher;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One run: the loop over epochs and steps. */
final class TrainingRun implements Training, AutoCloseable {

    /** Who draws; see {@link RandomKey#stream}. */
    private static final long SEED_STREAM = 0x5345_4544L;

    private final Trainer trainer;
    private final Batches batches;
    private final Updates updates;
    private final Validator validator;
    private final Monitor monitor;
    private final Listeners listeners;
    private final RunCheckpoints checkpoints;
    private final PassOptions options;
    private final List<EpochResult> ended = new ArrayList<>();
    private Scores scores;
    private long step;
    private long epoch = 1;
    private long consumed;
    private @Nullable String stopped;

    TrainingRun(Trainer trainer, Batches batches) {
        this.trainer = trainer;
        this.batches = batches;
        this.listeners = new Listeners(trainer.listeners);
        this.options = trainer.passOptions.nan(NanPolicy.IGNORE);
        this.validator = new Validator(trainer.backpack, trainer.model, trainer.passOptions, trainer.metrics);
        this.monitor = new Monitor(trainer.monitored, trainer.patience, trainer.metrics);
        this.scores = new Scores("train_", trainer.metrics);
        try {
            this.updates = new Updates(trainer, batches);
        } catch (RuntimeException | Error e) {
            closeAll(listeners, trainer.log);
            throw e;
        }
        this.checkpoints = new RunCheckpoints(trainer, updates, listeners, monitor);
    }

    TrainingResult run() {
        listeners.start(this);
        if (trainer.resumes) {
            resume();
        } else {
            trainer.checkpoints.ifPresent(Checkpoints::begin);
            trainer.log.begin(this);
        }
        if (consumed == batches.perEpoch()) {
            consumed = 0;
            epoch++;
        }
        if (epoch <= trainer.epochs && !isOver()) {
            try (Prefetcher prefetcher = new Prefetcher(batches, epoch, consumed, trainer.epochs)) {
                while (epoch <= trainer.epochs && !isOver()) {
                    advance(prefetcher.next());
                }
            }
            checkpoints.save(step, epoch, consumed, scores);
        }
        updates.averages().swapIn();
        TrainingResult result = new TrainingResult(step, ended, Optional.ofNullable(stopped));
        listeners.end(result);
        return result;
    }

    private boolean isOver() {
        if (trainer.cancellation.isCancelled() || Thread.currentThread().isInterrupted()) {
            stop("cancelled");
        }
        if (trainer.maxSteps.isPresent() && step >= trainer.maxSteps.getAsLong()) {
            stop("%d steps were taken".formatted(step));
        }
        if (stopped == null) {
            updates.stopReason().ifPresent(this::stop);
        }
        return stopped != null;
    }

    private void resume() {
        try (Checkpoint last = checkpoints.last()) {
            checkpoints.restore(last.state(), scores);
            step = last.step();
            epoch = last.epoch();
            consumed = last.batch();
        }
    }

    private void advance(BatchData data) {
        try (Batch batch = data.upload(trainer.backpack, trainer.model.dtype())) {
            step(data, batch);
        } catch (BackpackException e) {
            boolean cancelled = trainer.cancellation.isCancelled()
                    && e.problems().stream().anyMatch(problem -> problem.id().equals(KernelProblems.CANCELLED));
            if (!cancelled) {
                throw e;
            }
            stop("cancelled");
            return;
        }
        step++;
        consumed++;
        if (consumed == batches.perEpoch()) {
            endEpoch();
            consumed = 0;
            epoch++;
            scores = new Scores("train_", trainer.metrics);
            checkpoints.saveIfKept(step, epoch, consumed, scores);
        } else if (trainer.checkpointEvery.isPresent() && step % trainer.checkpointEvery.getAsLong() == 0) {
            checkpoints.saveIfKept(step, epoch, consumed, scores);
        }
    }

    private void step(BatchData data, Batch batch) {
        PassPreparation pass = new PassPreparation(step, epoch, batch);
        trainer.requests.forEach(pass::request);
        updates.prepare(pass);
        listeners.prepare(pass);
        long seed = CounterRandom.bits(new RandomKey(trainer.seed, SEED_STREAM, 0), step, 0);
        Plan plan = trainer.backpack.plan(trainer.model, batch, pass.requests(), options);
        try (Results results = plan.run(batch, runOptions(pass, seed))) {
            TrainingStep now =
                    new TrainingStep(this, step, epoch, batch, results, results.loss(), updates.learningRate(), seed);
            trainer.log.step(step, Map.of("Loss", now.loss()), Map.of());
            listeners.trainingBatch(now);
            requireFinite(now, pass);
            score(data, results);
            updates.step(now);
            updates.advance(Schedule.Every.STEP, now.loss());
            listeners.stepped(now);
        }
    }

    private RunOptions runOptions(PassPreparation pass, long seed) {
        RunOptions run =
                RunOptions.seed(seed).cancellation(trainer.cancellation).operands(pass.operands());
        return pass.supplier().map(run::operandsAfterGradient).orElse(run);
    }

    private void score(BatchData data, Results results) {
        scores.addLoss(results.loss(), data.samples());
        if (scores.needsOutputs()) {
            Tensor output = results.output();
            scores.add(output.shape(), output.toDoubleArray(), data.targets());
        }
    }

    /**
     * Runs the pass once more where something is not finite: the kernel then says at which node, in which quantity, for
     * which samples.
     */
    private void requireFinite(TrainingStep now, PassPreparation pass) {
        if (trainer.nanPolicy == NanPolicy.IGNORE) {
            return;
        }
        List<Tensor> looked = new ArrayList<>();
        updates.parameters().forEach(name -> looked.add(now.results().gradient(name)));
        if (Double.isFinite(now.loss())
                && trainer.backpack.backend().reductions().allFinite(looked)) {
            return;
        }
        String where = "Step %d, in epoch %d, computed numbers that are not finite; the loss is %s."
                .formatted(step, epoch, now.loss());
        PassOptions strict = trainer.passOptions.nan(trainer.nanPolicy).updateBuffers(false);
        try {
            Plan plan = trainer.backpack.plan(trainer.model, now.batch(), pass.requests(), strict);
            plan.run(now.batch(), runOptions(pass, now.seed())).close();
        } catch (BackpackException e) {
            throw new BackpackException(TrainingProblems.DIVERGED, where + " " + e.getMessage(), e);
        }
        throw new BackpackException(TrainingProblems.DIVERGED, where + " Take a smaller learning rate.");
    }

    private void endEpoch() {
        Map<String, Double> values = new LinkedHashMap<>();
        scores.putInto(values);
        boolean validates =
                trainer.validation.isPresent() && (epoch % trainer.validateEvery == 0 || epoch == trainer.epochs);
        if (validates) {
            updates.averages().swapIn();
            try {
                Map<String, Double> valid = validator.validate(trainer.validation.orElseThrow());
                values.putAll(valid);
                listeners.validation(new ValidationResult(epoch, step, valid));
            } finally {
                updates.averages().swapOut();
            }
        }
        values.put("learning_rate", updates.learningRate());
        values.putAll(updates.values());
        double monitored = monitor.value(values, trainer.validation.isPresent());
        updates.advance(Schedule.Every.EPOCH, monitored);
        trainer.log.epoch(epoch, values);
        EpochResult result = new EpochResult(epoch, step, values);
        ended.add(result);
        if (validates || trainer.validation.isEmpty()) {
            if (monitor.improves(monitored)) {
                checkpoints.saveBest(step, epoch + 1, 0, new Scores("train_", trainer.metrics));
            }
            monitor.stops().ifPresent(this::stop);
        }
        listeners.epoch(result);
    }

    @Override
    public BackPack backpack() {
        return trainer.backpack;
    }

    @Override
    public Model model() {
        return trainer.model;
    }

    @Override
    public Optimizer optimizer() {
        return trainer.optimizer;
    }

    @Override
    public List<String> parameters() {
        return updates.parameters();
    }

    @Override
    public long seed() {
        return trainer.seed;
    }

    @Override
    public long epochs() {
        return trainer.epochs;
    }

    @Override
    public long batchesPerEpoch() {
        return batches.perEpoch();
    }

    @Override
    public TrainingLog log() {
        return trainer.log;
    }

    @Override
    public void stop(String reason) {
        if (stopped == null) {
            stopped = reason;
        }
    }

    @Override
    public void close() {
        try (updates) {
            closeAll(listeners, trainer.log);
        }
    }

    private static void closeAll(Listeners listeners, TrainingLog log) {
        try (log) {
            listeners.close();
        }
    }
}
