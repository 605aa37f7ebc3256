// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.pass.FiniteCheck;
import io.backpack4j.kernel.internal.pass.MergedPartials;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/**
 * A session. Every batch's pass runs with the factor 1 of the loss, so that batches of any sizes add up as they are;
 * the factor of all of them enters when results are made, by the degree of each quantity.
 */
public final class AccumulatingSession implements Session {

    private final Backend backend;
    private final Model model;
    private final PassLayout layout;
    private final SessionOptions options;
    private final Passes passes;
    private final List<Slot> slots;
    private final ModelNumbers numbers;
    private final Map<String, String> properties;
    private Accumulation accumulated;
    private boolean closed;

    /** Runs passes. */
    public interface Passes {

        /** Runs one with the factor 1 of the loss. The caller closes what it leaves. */
        PassPartials run(Batch batch, long seed, RunOperands operands);
    }

    private AccumulatingSession(
            Backend backend, Model model, PassLayout layout, SessionOptions options, Passes passes) {
        this.backend = backend;
        this.model = model;
        this.layout = layout;
        this.options = options;
        this.passes = passes;
        this.slots = Slot.of(layout);
        this.numbers = new ModelNumbers(model);
        this.properties = SessionProperties.of(model, layout, options, numbers);
        this.accumulated = empty();
    }

    /**
     * Opens a session.
     *
     * @param layout for the shapes of samples that the model was made for
     * @param problems what does not fit already
     * @throws BackpackException with that and everything that does not merge
     */
    public static Session open(
            Backend backend, Model model, PassLayout layout, SessionOptions options, Passes passes, Problems problems) {
        Mergeability.report(layout, problems);
        problems.throwIfAny();
        return new AccumulatingSession(backend, model, layout, options, passes);
    }

    private Accumulation empty() {
        return BackendCalls.call(
                backend,
                "Opening the session's memory",
                () -> new Accumulation(backend, model.dtype(), slots, options.outputs()));
    }

    @Override
    public void add(Batch batch) {
        add(batch, RunOperands.NONE);
    }

    @Override
    public void add(Batch batch, RunOperands operands) {
        requireUsable();
        layout.operands().require(operands, backend, false);
        accumulated.operands().requireSame("The batch", operands);
        long[] ids = batch.sampleIds();
        accumulated.samples().requireNew("The batch", ids);
        numbers.requireSameAtAGlance();
        try (PassPartials pass = passes.run(batch, options.seed(), operands)) {
            requireKnownDegrees(pass.normaliser());
            BackendCalls.run(backend, "Adding a batch to the session", () -> accumulated.add(pass, operands, ids));
        }
    }

    /** Refuses what does not say its degree once the factor is not 1. */
    private void requireKnownDegrees(double normaliser) {
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
        accumulated.samples().requireNew("The other session", state.sampleIds());
        if (options.pass().nanPolicy() != NanPolicy.IGNORE) {
            StateReader.requireFinite(state);
        }
        Accumulation read = empty();
        boolean kept = false;
        try {
            BackendCalls.run(backend, "Reading another session", () -> read.restore(state));
            if (!read.isEmpty()) {
                layout.operands().require(read.operands().kept(), backend, false);
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
        return new SessionState(properties, accumulated.samples().ids(), accumulated.numbers());
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
        double normaliser = model.loss().normaliserOfAll(accumulated.normalisers());
        try (MergedPartials merged = new MergedPartials(layout.withSamples(samples()), backend)) {
            TensorScope scope = merged.scope();
            for (Slot slot : slots) {
                double degree = slot.degree().orElse(0);
                // That of moments is their squares'.
                double power = slot.rule() == MergeRule.MOMENTS ? degree / 2 : degree;
                PassPartials.Value value = accumulated.merged(slot).value(scope, Math.pow(normaliser, power));
                slot.set(merged, value.tensors(), value.count());
            }
            return merged.finish(
                    normaliser,
                    normaliser * accumulated.losses().total(),
                    accumulated.losses().tensor(scope),
                    accumulated.outputs().map(outputs -> outputs.tensor(scope)),
                    accumulated.operands().kept());
        }
    }

    /** Finite parts may add up to something that is not. */
    private Results checked(PassResults results) {
        boolean done = false;
        try {
            new FiniteCheck(options.pass().nanPolicy(), backend, layout)
                    .requireMerged(results.tensors(), sampleIds(), results::close);
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
    public int batches() {
        return accumulated.normalisers().length;
    }

    @Override
    public long[] sampleIds() {
        return accumulated.samples().ids();
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
