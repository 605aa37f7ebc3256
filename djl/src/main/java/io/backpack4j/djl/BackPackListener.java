// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;
import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.StepRequest;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Computes extensions, and what a cockpit tracks, beside a training loop of DJL's: of every batch, between its backward
 * pass and {@code Trainer.step}, by a pass of a model of this library with DJL's parameters. DJL's blocks do not say
 * what they compute, so the architecture is given, as the model. It is compared with DJL at every step that is
 * observed: an output or a gradient that differs is an error, which ends the loop.
 *
 * <pre>{@code
 * BackPackListener listener = BackPackListener.builder(backpack, model)
 *         .extensions("BatchL2Grad")
 *         .onResults((results, step) -> results.tensors().keySet().forEach(System.out::println))
 *         .build();
 * TrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
 *         .optDevices(new Device[] {Device.cpu()})
 *         .addTrainingListeners(listener);
 * }</pre>
 *
 * <p>For one trainer at a time and its thread. The listener writes the model's parameters and buffers, and owns the
 * results of the last step until the next one begins or the trainer closes.
 */
public final class BackPackListener extends TrainingListenerAdapter {

    private static final double TOLERANCE = 1e-2;

    private final BackPack backpack;
    private final Model model;
    private final List<Request<?>> requests;
    private final int interval;
    private final ObjLongConsumer<Results> taker;
    private final Optional<Cockpit> cockpit;
    private final Map<String, String> named;
    private final PassOptions options;
    private final Comparison comparison;
    private final BatchReader batches;
    private @Nullable ParameterPairs pairs;
    private @Nullable Step open;
    private long next;
    private long samples;

    /** A step whose update is still to come. */
    private record Step(long number, Batch batch, Results results) implements AutoCloseable {

        @Override
        public void close() {
            results.close();
            batch.close();
        }
    }

    private BackPackListener(Builder builder) {
        this.backpack = builder.backpack;
        this.model = builder.model;
        this.requests = List.copyOf(builder.requests);
        this.interval = builder.interval;
        this.taker = builder.taker;
        this.cockpit = builder.cockpit;
        this.named = builder.named;
        this.options = builder.options.updateBuffers(false);
        this.comparison = new Comparison(builder.tolerance);
        this.batches = new BatchReader(backpack, model);
    }

    /**
     * Builds a listener.
     *
     * @param model DJL's network: the same layers with parameters in the same order, and the same loss. The caller's;
     *     it must stay open as long as the trainer
     */
    public static Builder builder(BackPack backpack, Model model) {
        return new Builder(backpack, model);
    }

    /** Forgets the parameters of the trainer before. */
    @Override
    public void onTrainingBegin(Trainer trainer) {
        pairs = null;
    }

    /**
     * Computes what is due of a batch.
     *
     * @throws BackpackException if DJL's network is not the model, or as {@link
     *     io.backpack4j.kernel.Plan#run(Batch, RunOptions)} says
     */
    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        long step = next++;
        long firstId = samples;
        samples += BatchReader.samples(batchData.getBatch());
        boolean isDue = step % interval == 0;
        if (!isDue && cockpit.isEmpty()) {
            return;
        }
        try {
            takeParameters(trainer);
            finish();
            NDList predictions = predictions(batchData);
            observe(step, batches.read(batchData.getBatch(), firstId), predictions, isDue);
        } catch (RuntimeException e) {
            release();
            throw e;
        }
    }

    /** Measures the last update, and returns the memory of the last step. */
    @Override
    public void onTrainingEnd(Trainer trainer) {
        try {
            if (open != null && cockpit.isPresent()) {
                takeParameters(trainer);
                finish();
            }
        } finally {
            release();
        }
    }

    private void takeParameters(Trainer trainer) {
        Device[] devices = trainer.getDevices();
        if (devices.length != 1) {
            throw new BackpackException(
                    DjlProblems.SEVERAL_DEVICES,
                    "DJL trains on %d devices, %s: the gradient is a sum of those of parts of a batch, each with a loss of its own. Train on one: optDevices(new Device[] {…})."
                            .formatted(devices.length, Arrays.toString(devices)));
        }
        ParameterPairs known = pairs;
        if (known == null) {
            known = ParameterPairs.match(
                    model,
                    trainer.getModel().getBlock().getParameters().stream().toList(),
                    named);
            pairs = known;
        }
        known.copyTo(model, devices[0]);
    }

    private static NDList predictions(BatchData data) {
        if (data.getPredictions().size() != 1) {
            throw new BackpackException(
                    DjlProblems.SEVERAL_DEVICES,
                    "A batch of DJL's was split into %d parts. Train on one device: optDevices(new Device[] {…})."
                            .formatted(data.getPredictions().size()));
        }
        return data.getPredictions().values().iterator().next();
    }

    private void observe(long number, Batch batch, NDList predictions, boolean isDue) {
        Optional<StepRequest> tracked;
        Results results;
        try {
            tracked = cockpit.map(own -> own.request(number, batch));
            results = run(batch, tracked, isDue);
        } catch (RuntimeException e) {
            batch.close();
            throw e;
        }
        Step step = new Step(number, batch, results);
        open = step;
        comparison.outputs(predictions, results);
        comparison.gradients(known(), results);
        cockpit.ifPresent(own -> own.track(number, results));
        if (isDue) {
            taker.accept(results, number);
        }
        if (cockpit.isEmpty()) {
            release();
        }
    }

    private Results run(Batch batch, Optional<StepRequest> tracked, boolean isDue) {
        List<Request<?>> all = new ArrayList<>(isDue ? requests : List.of());
        if (tracked.isEmpty()) {
            return backpack.compute(model, batch, all, options);
        }
        StepRequest request = tracked.get();
        all.addAll(request.requests());
        RunOptions run = RunOptions.seed(request.seed()).operands(request.operands());
        return backpack.plan(model, batch, all, request.options(options)).run(batch, run);
    }

    private ParameterPairs known() {
        ParameterPairs known = pairs;
        if (known == null) {
            throw new IllegalStateException("No parameters were taken");
        }
        return known;
    }

    /** Measures the update that has come since, with the parameters behind it. */
    private void finish() {
        Step step = open;
        if (step != null) {
            cockpit.ifPresent(own -> own.stepped(step.number));
            release();
        }
    }

    private void release() {
        Step step = open;
        open = null;
        if (step != null) {
            step.close();
        }
    }

    /** Says what is computed. */
    public static final class Builder {

        private final BackPack backpack;
        private final Model model;
        private final List<Request<?>> requests = new ArrayList<>();
        private int interval = 1;
        private ObjLongConsumer<Results> taker = (results, step) -> {};
        private Optional<Cockpit> cockpit = Optional.empty();
        private Map<String, String> named = Map.of();
        private PassOptions options = PassOptions.DEFAULT;
        private double tolerance = TOLERANCE;

        private Builder(BackPack backpack, Model model) {
            this.backpack = backpack;
            this.model = model;
        }

        /**
         * Adds extensions.
         *
         * @param expressions such as {@code BatchL2Grad,KFAC(mc_samples=1)}
         * @throws BackpackException if they cannot be read or there are no such
         */
        public Builder extensions(String expressions) {
            ExtensionExpressions.parse(expressions)
                    .forEach(each -> request(backpack.catalog().request(each.type(), each.options())));
            return this;
        }

        /** Adds an extension. */
        public Builder request(Request<?> request) {
            requests.add(request);
            return this;
        }

        /**
         * Computes extensions at every so many steps only, the first among them; a cockpit sees every step, and has
         * schedules of its own.
         *
         * @param steps at least 1
         */
        public Builder every(int steps) {
            if (steps < 1) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "Extensions are to be computed every %d steps, but it must be at least 1.".formatted(steps));
            }
            interval = steps;
            return this;
        }

        /**
         * Sets who reads results, in the loop's thread.
         *
         * @param reader of results, which it may not close and which live as long as the call, and of the step, counted
         *     from 0 over all batches
         */
        public Builder onResults(ObjLongConsumer<Results> reader) {
            taker = reader;
            return this;
        }

        /**
         * Tracks quantities. Updates are measured when the next batch comes, or the trainer closes.
         *
         * @param tracking made for the same model; the caller's, who closes it behind the trainer
         */
        public Builder cockpit(Cockpit tracking) {
            cockpit = Optional.of(tracking);
            return this;
        }

        /**
         * Says which parameters belong together, where DJL has them in another order; all others are taken in order.
         *
         * @param theirsByOurs DJL's names, those of {@code Block.getParameters()}, by the model's
         */
        public Builder parameters(Map<String, String> theirsByOurs) {
            named = Map.copyOf(theirsByOurs);
            return this;
        }

        /** Sets limits of memory and modes of passes. */
        public Builder options(PassOptions limits) {
            options = limits;
            return this;
        }

        /**
         * Sets how far a gradient may be off DJL's: ‖a − b‖ / ‖b‖, 0.01 if it is not set, for one rectifier that flips
         * moves a gradient by some hundredths in float32. Outputs may be off by a hundredth of it.
         *
         * @param relative above 0
         */
        public Builder tolerance(double relative) {
            if (!(relative > 0)) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION, "The tolerance is %s, but must be above 0.".formatted(relative));
            }
            tolerance = relative;
            return this;
        }

        /** Builds the listener. */
        public BackPackListener build() {
            return new BackPackListener(this);
        }
    }
}
