// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A site: a trained parameter with all its uses, and what is wanted of it.
 *
 * @param index its number
 * @param parameter its full name
 * @param shape its shape
 * @param kronecker the sizes of its Kronecker factors, if it has an input side
 * @param uses its uses; it opens at the first of them, the last one in backward order
 * @param requests what is wanted, by request
 * @param accumulators the distinct accumulated results, the gradient's first
 * @param ends what accumulated results become in the end, see {@link #condensed}
 */
public record SiteLayout(
        int index,
        String parameter,
        Shape shape,
        Optional<KroneckerSizes> kronecker,
        List<BoundGraph.Use> uses,
        List<SiteRequest> requests,
        List<AccumulatorKey> accumulators,
        Map<AccumulatorKey, AccumulatorKey> ends) {

    /** Works out what accumulated results become. */
    public SiteLayout(
            int index,
            String parameter,
            Shape shape,
            Optional<KroneckerSizes> kronecker,
            List<BoundGraph.Use> uses,
            List<SiteRequest> requests,
            List<AccumulatorKey> accumulators) {
        this(index, parameter, shape, kronecker, uses, requests, accumulators, ends(requests, accumulators));
    }

    /** The signals that have to get here in a stage. */
    public Set<Signal> signals(int stage) {
        Set<Signal> signals = new LinkedHashSet<>();
        for (AccumulatorKey key : accumulators) {
            if (key.stage() == stage) {
                signals.add(key.signal());
            }
        }
        for (SiteRequest request : requests) {
            request.allPairs().filter(pair -> pair.stage() == stage).forEach(pair -> {
                signals.add(pair.left());
                signals.add(pair.right());
            });
            signals.addAll(request.visits().getOrDefault(stage, Set.of()));
        }
        return signals;
    }

    /** The accumulated result that parts of another one are made with: of the earliest stage. */
    public AccumulatorKey ofBatch(AccumulatorKey key) {
        Contraction contraction = key.contraction().ofBatch().orElseThrow();
        return accumulators.stream()
                .filter(other -> other.signal().equals(key.signal())
                        && other.contraction().equals(contraction))
                .min(Comparator.comparingInt(AccumulatorKey::stage))
                .orElseThrow();
    }

    /** Whether parts of an accumulated result wait until the whole batch's result of its own stage is there. */
    public boolean waits(AccumulatorKey key) {
        return key.isOfBatch() && ofBatch(key).stage() == key.stage();
    }

    /** Key of what is accumulated for another one. */
    public AccumulatorKey source(AccumulatorKey key) {
        return key.source(accumulators);
    }

    /** What an accumulated result becomes in the end, if nobody wants itself, nor more than one thing of it. */
    public Optional<AccumulatorKey> condensed(AccumulatorKey source) {
        return Optional.ofNullable(ends.get(source));
    }

    private static Map<AccumulatorKey, AccumulatorKey> ends(
            List<SiteRequest> requests, List<AccumulatorKey> accumulators) {
        Map<AccumulatorKey, Set<AccumulatorKey>> wanted = new HashMap<>();
        for (SiteRequest request : requests) {
            for (AccumulatorKey key : request.accumulated().values()) {
                wanted.computeIfAbsent(key.source(accumulators), absent -> new HashSet<>())
                        .add(key);
            }
        }
        Map<AccumulatorKey, AccumulatorKey> ends = new HashMap<>();
        wanted.forEach((source, keys) -> {
            if (keys.size() == 1 && !keys.contains(source)) {
                ends.put(source, keys.iterator().next());
            }
        });
        return Map.copyOf(ends);
    }

    public boolean splitsColumns(Signal signal) {
        return accumulators.stream().allMatch(key -> !key.signal().equals(signal) || key.splitsColumns())
                && requests.stream()
                        .flatMap(request -> request.partials().values().stream())
                        .allMatch(key -> !key.signal().equals(signal) || key.rule() != MergeRule.NOT_MERGEABLE)
                && requests.stream().flatMap(SiteRequest::allPairs).allMatch(pair -> pair.splitsColumns(signal));
    }

    /** Whether the batch may come in chunks here. */
    public boolean splitsSamples() {
        return accumulators.stream().allMatch(AccumulatorKey::splitsSamples)
                && requests.stream()
                        .flatMap(request -> request.partials().values().stream())
                        .allMatch(key -> key.rule() != MergeRule.NOT_MERGEABLE)
                && requests.stream().flatMap(SiteRequest::allPairs).allMatch(PairKey::splitsSamples);
    }
}
