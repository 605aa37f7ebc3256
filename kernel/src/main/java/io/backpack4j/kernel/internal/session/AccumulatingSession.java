// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.pass.FiniteCheck;
import io.backpack4j.kernel.internal.pass.MergedPartials;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A session. Every batch's pass runs with the factor 1 of the loss, so that batches of any sizes add up as they are;
 * the factor of all of them enters when results are made, by the degree of each quantity.
 */
public final class AccumulatingSession implements Session {

    private final Backend backend;
    private final Model model;
    private final SessionLayouts layouts;
    private final SessionOptions options;
    private final Passes passes;
    private final List<Slot> slots;
    private final HandedOver handedOver;
    private final ModelNumbers numbers;
    private final Map<String, String> properties;
    private Accumulation accumulated;
    private boolean closed;

    /** Runs passes. */
    public interface Passes {

        /** Runs one with the factor 1 of the loss. The caller closes what it leaves. */
        PassPartials run(Batch batch, long seed, RunOperands operands);
    }

    /**
     * Opens a session.
     *
     * @param layouts for the shapes of samples that the model was made for
     */
    public AccumulatingSession(
            Backend backend, Model model, SessionLayouts layouts, SessionOptions options, Passes passes) {
        this.backend = backend;
        this.model = model;
        this.layouts = layouts;
        this.options = options;
        this.passes = passes;
        this.slots = Slot.of(layouts.merged());
        this.handedOver = new HandedOver(backend, layouts.handedOver(), options.outputs());
        this.numbers = new ModelNumbers(model);
        this.properties = SessionProperties.of(model, layouts.pass(), options, numbers);
        this.accumulated = empty();
    }

    private Accumulation empty() {
        return BackendCalls.call(
                backend, "Opening the session's memory", () -> new Accumulation(backend, model, slots, options));
    }

    @Override
    public void add(Batch batch) {
        add(batch, RunOperands.NONE);
    }

    @Override
    public void add(Batch batch, RunOperands operands) {
        if (options.perSample() == PerSample.HAND_OVER) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The session hands over what a batch has per sample (PerSample.HAND_OVER), but nobody takes it. Use add(batch, operands, taker), or PerSample.DROP or KEEP.");
        }
        run(batch, operands, pass -> {});
    }

    @Override
    public void add(Batch batch, RunOperands operands, double factor, Consumer<? super Results> taker) {
        if (options.perSample() != PerSample.HAND_OVER) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The session hands nothing over: it was opened with PerSample.%s. Use PerSample.HAND_OVER, or add without a taker."
                            .formatted(options.perSample()));
        }
        if (!(factor > 0) || Double.isInfinite(factor)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The factor of the loss is %s, but must be a positive number.".formatted(factor));
        }
        requireKnownDegrees(handedOver.slots(), factor);
        run(batch, operands, pass -> handedOver.give(pass, batch.samples(), operands, factor, taker));
    }

    private void run(Batch batch, RunOperands operands, Taker taker) {
        requireUsable();
        layouts.pass().operands().require(operands, backend, false);
        accumulated.operands().requireSame("The batch", operands);
        long[] ids = batch.sampleIds();
        accumulated.samples().requireNew("The batch", ids);
        numbers.requireSameAtAGlance();
        try (PassPartials pass = passes.run(batch, options.seed(), operands)) {
            requireKnownDegrees(slots, pass.normaliser());
            taker.take(pass);
            BackendCalls.run(backend, "Adding a batch to the session", () -> accumulated.add(pass, operands, ids));
        }
    }

    /** Somebody who sees a pass before it is added. */
    private interface Taker {
        void take(PassPartials pass);
    }

    /** Refuses what does not say its degree once the factor is not 1. */
    private static void requireKnownDegrees(List<Slot> slots, double normaliser) {
        for (Slot slot : slots) {
            if (slot.degree().isEmpty() && normaliser != 1) {
                throw new BackpackException(
                        KernelProblems.UNKNOWN_DEGREE,
                        "'%s' does not say how it scales with the loss's factor, which is %s for this batch. Declare it with a degree."
                                .formatted(slot.name(), normaliser));
            }
        }
    }

    @Override
    public void merge(SessionState state) {
        requireUsable();
        numbers.requireSame();
        Problems problems = new Problems();
        SessionProperties.compare(properties, state.properties(), problems);
        problems.throwIfAny();
        KnownSamples known = KnownSamples.of(state, options);
        accumulated.samples().requireNew("The other session", known);
        if (options.pass().nanPolicy() != NanPolicy.IGNORE) {
            StateReader.requireFinite(state);
        }
        Accumulation read = empty();
        boolean kept = false;
        try {
            BackendCalls.run(backend, "Reading another session", () -> read.restore(state, known));
            if (!read.isEmpty()) {
                layouts.pass().operands().require(read.operands().kept(), backend, false);
                accumulated
                        .operands()
                        .requireSame("The other session", read.operands().kept());
            }
            if (accumulated.isEmpty()) {
                accumulated.close();
                accumulated = read;
                kept = true;
            } else if (!read.isEmpty()) {
                BackendCalls.run(backend, "Merging sessions", () -> accumulated.add(read));
            }
        } finally {
            if (!kept) {
                read.close();
            }
        }
    }

    @Override
    public SessionState state() {
        requireUsable();
        numbers.requireSame();
        return new SessionState(properties, accumulated.numbers());
    }

    @Override
    public Results results() {
        requireUsable();
        if (accumulated.isEmpty()) {
            throw new BackpackException(
                    KernelProblems.EMPTY_SESSION,
                    "The session has no results, because no batch was added. Add one first.");
        }
        numbers.requireSame();
        return BackendCalls.call(backend, "Making the session's results", () -> checked(made()));
    }

    private PassResults made() {
        double normaliser = accumulated.factors().ofAll();
        SampleOrder order = isKept() ? accumulated.samples().order() : SampleOrder.asAdded(0);
        try (MergedPartials merged = new MergedPartials(layouts.merged().withSamples(samples()), backend)) {
            TensorScope scope = merged.scope();
            for (Slot slot : slots) {
                double factor = slot.factor(normaliser);
                Merged part = accumulated.merged(slot).orElseThrow();
                PassPartials.Value value = part instanceof MergedSamples samples
                        ? samples.value(scope, factor, order)
                        : part.value(scope, factor);
                slot.set(merged, value.tensors(), value.count());
            }
            MergedPartials.Loss loss = new MergedPartials.Loss(
                    normaliser,
                    normaliser * accumulated.lossTotal(),
                    accumulated.lossPerSample().map(losses -> losses.tensor(scope, order)),
                    accumulated.outputs().map(outputs -> outputs.tensor(scope, order)));
            return merged.finish(loss, accumulated.operands().kept(), true);
        }
    }

    private boolean isKept() {
        return options.perSample() == PerSample.KEEP;
    }

    /** Finite parts may add up to something that is not. */
    private Results checked(PassResults results) {
        boolean done = false;
        try {
            new FiniteCheck(options.pass().nanPolicy(), backend, layouts.merged())
                    .requireMerged(results.tensors(), isKept() ? sampleIds() : new long[0], results::close);
            done = true;
            return results;
        } finally {
            if (!done) {
                results.close();
            }
        }
    }

    @Override
    public long samples() {
        return accumulated.samples().count();
    }

    @Override
    public long batches() {
        return accumulated.factors().batches();
    }

    @Override
    public long[] sampleIds() {
        return accumulated.samples().ids();
    }

    @Override
    public long stateBytes(long samples) {
        return new StateSize(layouts.merged(), slots, layouts.pass().operands().elements(), options)
                .bytes(samples, accumulated);
    }

    @Override
    public String toString() {
        return "Session of %d samples in %d batches, ids %s, results per sample %s: %s"
                .formatted(samples(), batches(), options.ids(), options.perSample(), describedSize());
    }

    private String describedSize() {
        try {
            long constant = stateBytes(0);
            long perSample = stateBytes(1) - constant;
            String growing = perSample == 0 ? "whatever the number of samples" : "and %d a sample".formatted(perSample);
            String ranges = options.ids() == SampleIds.RANGES
                    ? ", and %d a range of ids after the first".formatted(StateSize.RANGE)
                    : "";
            return "a state of %d bytes %s%s".formatted(constant, growing, ranges);
        } catch (BackpackException e) {
            return "the size of its state is known from the first batch on";
        }
    }

    private void requireUsable() {
        if (closed || accumulated.isHalfway()) {
            throw new BackpackException(
                    KernelProblems.UNUSABLE_SESSION,
                    "The session cannot be used: %s. Open another one."
                            .formatted(closed ? "it was closed" : "a batch was added by half when that failed"));
        }
    }

    @Override
    public void close() {
        closed = true;
        accumulated.close();
    }
}
