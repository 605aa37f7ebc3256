// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.PartialKey;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/** Accumulators and partial results of one site. */
final class SiteState {

    private final SiteLayout layout;
    private final Backend backend;
    private final TensorScope scope;
    private final DType dtype;
    private final long samples;
    private final Predicate<AccumulatorKey> own;
    private final boolean merged;
    private final boolean averages;
    private final Map<AccumulatorKey, Accumulator> accumulators = new LinkedHashMap<>();
    private final Map<SiteRequest, Map<String, Tensor>> partials = new HashMap<>();
    private final Map<Tensor, ChunkedSum> sums = new HashMap<>();

    SiteState(SiteLayout layout, Backend backend, TensorScope scope, DType dtype, long samples) {
        this(layout, backend, scope, dtype, samples, key -> true, true, false);
    }

    /**
     * @param own which accumulated results are here
     * @param merged whether what is accumulated here is wanted in a form in which it merges with that of other batches
     * @param averages whether sums of large size are divided by the number of samples as they are made: these are all
     *     that there are
     */
    SiteState(
            SiteLayout layout,
            Backend backend,
            TensorScope scope,
            DType dtype,
            long samples,
            Predicate<AccumulatorKey> own,
            boolean merged,
            boolean averages) {
        this.own = own;
        this.merged = merged;
        this.averages = averages;
        this.layout = layout;
        this.backend = backend;
        this.scope = scope;
        this.dtype = dtype;
        this.samples = samples;
    }

    SiteLayout layout() {
        return layout;
    }

    /** The accumulators that a signal fills in a stage; allocated at the first step. */
    List<Accumulator> accumulators(int stage, Signal signal, Step step) {
        return accumulators(stage, signal, step.columns(), !merged && step.isAll());
    }

    /** @param complete whether a single step makes them, so that nothing has to be merged */
    private List<Accumulator> accumulators(int stage, Signal signal, long columns, boolean complete) {
        List<Accumulator> selected = new ArrayList<>();
        for (AccumulatorKey key : layout.accumulators()) {
            if (key.stage() == stage && key.signal().equals(signal) && own.test(key)) {
                selected.add(accumulators.computeIfAbsent(key, absent -> {
                    AccumulatorKey made = complete ? layout.condensed(absent).orElse(absent) : absent;
                    made = averages ? averaged(made) : made;
                    return new Accumulator(backend, scope, made, layout.shape(), dtype, columns, samples);
                }));
            }
        }
        return selected;
    }

    private AccumulatorKey averaged(AccumulatorKey key) {
        return key.contraction() instanceof Contraction.InputFactor factor
                ? new AccumulatorKey(key.stage(), key.signal(), factor.scaled(1.0 / Math.max(1, samples)))
                : key;
    }

    /** Allocates and clears what a signal fills in a stage. */
    void clear(int stage, Signal signal) {
        for (Accumulator accumulator : accumulators(stage, signal, 0, false)) {
            accumulator.results().forEach(result -> backend.elementwise().fill(result, 0));
        }
    }

    /** Finds what was accumulated under a key, or under its {@linkplain SiteLayout#source source}. */
    Accumulator accumulator(AccumulatorKey key) {
        return Objects.requireNonNull(accumulators.get(layout.source(key)), () -> "not accumulated yet: " + key);
    }

    /** A partial result that an extension fills itself; allocated and cleared at the first call. */
    Tensor partial(SiteRequest request, String name, long columns) {
        PartialKey key = Objects.requireNonNull(
                request.partials().get(name), () -> "the extension declared no partial result '" + name + "'");
        return partials.computeIfAbsent(request, absent -> new HashMap<>()).computeIfAbsent(name, absent -> {
            Tensor tensor = scope.allocate(key.shape(columns, samples), dtype);
            backend.elementwise().fill(tensor, key.rule() == MergeRule.MAX ? Double.NEGATIVE_INFINITY : 0);
            return tensor;
        });
    }

    /** Destination of a step's contribution to a {@link MergeRule#SUM} partial. */
    Tensor summand(Tensor partial, Step step) {
        return sums.computeIfAbsent(partial, absent -> new ChunkedSum(backend, scope, absent))
                .of(step, true);
    }

    /** Ends the sums over chunks of a stage. */
    void complete(int stage) {
        accumulators.forEach((key, accumulator) -> {
            if (key.stage() == stage) {
                accumulator.complete();
            }
        });
        sums.values().forEach(ChunkedSum::complete);
        sums.clear();
    }

    /** Takes over what was accumulated elsewhere. */
    void set(AccumulatorKey key, List<Tensor> tensors, long count) {
        accumulators.put(key, new Accumulator(backend, scope, key, layout.shape(), tensors, count));
    }

    /** Takes over a partial result of an extension's own. */
    void set(SiteRequest request, String name, Tensor tensor) {
        partials.computeIfAbsent(request, absent -> new HashMap<>()).put(name, tensor);
    }
}
