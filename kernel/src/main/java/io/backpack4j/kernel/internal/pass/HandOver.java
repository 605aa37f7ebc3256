// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Results that leave a pass part by part. What they are made of is accumulated for one chunk of samples, or even for
 * one step where that is all of it, finished and handed to whoever takes it.
 */
public final class HandOver {

    /** Taker of a pass whose layout hands nothing over. */
    public static final ResultTaker NOBODY = (name, whole, origin, part) -> {
        throw new IllegalStateException("Nobody takes '" + name + "'");
    };

    private final PassLayout layout;
    private final Backend backend;
    private final double normaliser;
    private final ResultTaker taker;
    private final GivenOperands operands;
    private final List<Map<SiteRequest, Reach>> requests = new ArrayList<>();
    private final List<Map<AccumulatorKey, Reach>> keys = new ArrayList<>();
    private final List<SiteState> chunk = new ArrayList<>();
    private final Map<Signal, Long> columns = new HashMap<>();
    private @Nullable TensorScope chunkScope;
    private long fromSample;

    /** Time for which a part is accumulated. */
    private enum Reach {
        STEP,
        CHUNK
    }

    HandOver(PassLayout layout, Backend backend, double normaliser, ResultTaker taker, GivenOperands operands) {
        this.operands = operands;
        this.layout = layout;
        this.backend = backend;
        this.normaliser = normaliser;
        this.taker = taker;
        for (SiteLayout site : layout.sites()) {
            Map<SiteRequest, Reach> handed = layout.handsOver() ? requests(site) : Map.of();
            Map<AccumulatorKey, Reach> accumulated = new HashMap<>();
            handed.forEach(
                    (request, reach) -> request.accumulated().values().forEach(key -> accumulated.put(key, reach)));
            requests.add(handed);
            keys.add(accumulated);
        }
    }

    /** The requests whose results can leave in parts, and share nothing with those that cannot. */
    private static Map<SiteRequest, Reach> requests(SiteLayout site) {
        Map<SiteRequest, Reach> handed = new HashMap<>();
        for (SiteRequest request : site.requests()) {
            if (isSplit(request)) {
                handed.put(request, reach(request));
            }
        }
        boolean changed = true;
        while (changed) {
            Set<AccumulatorKey> others = new HashSet<>(Set.of(gradient()));
            site.requests().stream()
                    .filter(request -> !handed.containsKey(request))
                    .forEach(request -> others.addAll(request.accumulated().values()));
            changed = handed.keySet()
                    .removeIf(request -> request.accumulated().values().stream()
                            .anyMatch(key -> others.contains(key) || !alike(handed, key, handed.get(request))));
        }
        return handed;
    }

    private static boolean alike(Map<SiteRequest, Reach> handed, AccumulatorKey key, @Nullable Reach reach) {
        return handed.entrySet().stream()
                .allMatch(other -> !other.getKey().accumulated().containsValue(key) || other.getValue() == reach);
    }

    private static AccumulatorKey gradient() {
        return new AccumulatorKey(1, new LossGradient(), new Contraction.Sum());
    }

    private static boolean isSplit(SiteRequest request) {
        Extension<?> extension = request.request().extension();
        return extension.resultRule().isPerSample()
                && extension.stages() == 1
                && request.partials().isEmpty()
                && request.visits().isEmpty()
                && request.products().isEmpty()
                && request.allPairs().findAny().isEmpty()
                && request.accumulated().values().stream().allMatch(HandOver::isSplit);
    }

    private static boolean isSplit(AccumulatorKey key) {
        Contraction contraction = key.contraction();
        return key.rule().isPerSample()
                && contraction.subsampling().isEmpty()
                && contraction.operand().isEmpty()
                && !key.isOfBatch();
    }

    /** A step is all of a sample's part if a single column comes, or if columns stand beside each other. */
    private static Reach reach(SiteRequest request) {
        boolean single = request.accumulated().size() == 1;
        boolean oneColumn =
                request.accumulated().values().stream().allMatch(key -> key.signal() instanceof LossGradient);
        boolean columns = request.request().extension().resultRule() == MergeRule.PER_COLUMN_AND_SAMPLE;
        return single && (oneColumn || columns) ? Reach.STEP : Reach.CHUNK;
    }

    /** Whether an accumulated result is none of the pass's own. */
    boolean takes(SiteLayout site, AccumulatorKey key) {
        return keys.get(site.index()).containsKey(key);
    }

    /** Whether a request's results leave in parts. */
    boolean takes(SiteRequest request, SiteLayout site) {
        return requests.get(site.index()).containsKey(request);
    }

    /** Whether anything at a site leaves in parts. */
    boolean isAt(SiteLayout site) {
        return !keys.get(site.index()).isEmpty();
    }

    void openChunk(int stage, long from, long to) {
        if (!layout.handsOver()) {
            return;
        }
        TensorScope scope = backend.openScope();
        chunkScope = scope;
        fromSample = from;
        for (SiteLayout site : layout.sites()) {
            SiteState state = new SiteState(
                    site,
                    backend,
                    scope,
                    layout.dtype(),
                    to - from,
                    key -> reaches(site, key, Reach.CHUNK),
                    true,
                    false);
            chunk.add(state);
            if (layout.residual(stage).isPresent()) {
                state.clear(stage, new ResidualCurvature());
            }
        }
    }

    private boolean reaches(SiteLayout site, AccumulatorKey key, Reach reach) {
        return keys.get(site.index()).get(key) == reach;
    }

    /** Hands over what was accumulated for the chunk. */
    void closeChunk(int stage) {
        if (stage == 1) {
            for (SiteState state : chunk) {
                requests.get(state.layout().index()).forEach((request, reach) -> {
                    if (reach == Reach.CHUNK) {
                        handOver(state, request, 0);
                    }
                });
            }
        }
        discardChunk();
    }

    /** Forgets what was accumulated for the chunk. */
    void discardChunk() {
        chunk.clear();
        if (chunkScope != null) {
            chunkScope.close();
            chunkScope = null;
        }
    }

    /** A step at a site. */
    StepParts step(SiteLayout site, int stage, Signal signal, Step step, TensorScope scope) {
        columns.put(signal, step.columns());
        SiteState ofStep = new SiteState(
                site,
                backend,
                scope,
                layout.dtype(),
                step.block().samples(),
                key -> reaches(site, key, Reach.STEP),
                true,
                false);
        return new StepParts(site, stage, signal, step, ofStep);
    }

    /** Contribution of a step to parts. */
    final class StepParts {

        private final SiteLayout site;
        private final int stage;
        private final Signal signal;
        private final Step step;
        private final SiteState ofStep;

        private StepParts(SiteLayout site, int stage, Signal signal, Step step, SiteState ofStep) {
            this.site = site;
            this.stage = stage;
            this.signal = signal;
            this.step = step;
            this.ofStep = ofStep;
        }

        /** Prepares what the step adds. */
        void prepare(TensorScope scope, List<Accumulator.Pending> pending) {
            Step local = step.withinBlock();
            for (Accumulator accumulator : ofStep.accumulators(stage, signal, local)) {
                accumulator.prepare(scope, local, Accumulator.Given.NOTHING).ifPresent(pending::add);
            }
            Step within = step.withinChunk();
            for (Accumulator accumulator : chunk.get(site.index()).accumulators(stage, signal, within)) {
                accumulator.prepare(scope, within, Accumulator.Given.NOTHING).ifPresent(pending::add);
            }
        }

        /** Hands over what the step completed. */
        void finish() {
            requests.get(site.index()).forEach((request, reach) -> {
                boolean complete = reach == Reach.STEP
                        && request.accumulated().values().stream()
                                .allMatch(key ->
                                        key.stage() == stage && key.signal().equals(signal));
                if (complete) {
                    handOver(ofStep, request, step.block().fromColumn());
                }
            });
        }
    }

    private void handOver(SiteState state, SiteRequest request, long fromColumn) {
        try (TensorScope scope = backend.openScope()) {
            handOver(scope, state, request, request.request().extension(), fromColumn);
        }
    }

    private <R> void handOver(
            TensorScope scope, SiteState state, SiteRequest request, Extension<R> extension, long fromColumn) {
        Part part = Part.of(extension);
        String parameter = state.layout().parameter();
        var view = new SitePartialView(
                state,
                request,
                layout.samples(),
                normaliser,
                Map.of(),
                group -> {
                    throw new IllegalStateException("Inner products of two signals are finished as a whole");
                },
                (matrix, site) -> {
                    throw new IllegalStateException("Results with products are finished as a whole");
                },
                operands,
                backend,
                scope);
        R result = PluginCalls.call(part, "when it finished '" + parameter + "'", () -> extension.finish(view));
        Map<String, Tensor> exported =
                PluginCalls.call(part, "when it named its results", () -> extension.export(result));
        boolean columns = extension.resultRule() == MergeRule.PER_COLUMN_AND_SAMPLE;
        long allColumns = columns ? columns(request) : 0;
        exported.forEach((suffix, tensor) -> {
            PluginCalls.requireOpen(part, suffix.isEmpty() ? "a result" : "its result '" + suffix + "'", tensor);
            Shape shape = tensor.shape();
            Shape whole =
                    columns ? shape.with(0, allColumns).with(1, layout.samples()) : shape.with(0, layout.samples());
            long[] origin = columns ? new long[] {fromColumn, fromSample} : new long[] {fromSample};
            taker.take(PassResults.name(parameter, request.request(), suffix), whole, origin, tensor);
        });
    }

    private long columns(SiteRequest request) {
        Signal signal = request.accumulated().values().iterator().next().signal();
        return Objects.requireNonNull(columns.get(signal), signal::name);
    }
}
