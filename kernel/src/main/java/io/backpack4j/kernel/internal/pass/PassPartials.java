// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.kernel.internal.layout.NodeKey;
import io.backpack4j.kernel.internal.layout.PairLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/** Partial results of a pass, before extensions make results of them. Own their tensors; close it when done. */
public final class PassPartials implements AutoCloseable {

    private final TensorScope partials;
    private final TensorScope outputs;
    private final Map<String, SiteState> sites = new HashMap<>();
    private final PairSums sums;
    private final NodeSums nodes;
    private final Tensor output;
    private final Tensor lossPerSample;
    private final double normaliser;

    /**
     * Tensors of one partial result.
     *
     * @param tensors one, or sum and centred squares
     * @param count the number of terms of moments
     */
    public record Value(List<Tensor> tensors, long count) {}

    PassPartials(
            TensorScope partials,
            TensorScope outputs,
            List<SiteState> sites,
            PairSums sums,
            NodeSums nodes,
            Tensor output,
            Tensor lossPerSample,
            double normaliser) {
        this.partials = partials;
        this.outputs = outputs;
        this.sums = sums;
        this.nodes = nodes;
        sites.forEach(site -> this.sites.put(site.layout().parameter(), site));
        this.output = output;
        this.lossPerSample = lossPerSample;
        this.normaliser = normaliser;
    }

    /** The factor of the loss for the batch. The partial results are those of the factor 1. */
    public double normaliser() {
        return normaliser;
    }

    /** The network's output, {@code [N, *out]}. */
    public Tensor output() {
        return output;
    }

    /** The unreduced losses, {@code [N]}. */
    public Tensor lossPerSample() {
        return lossPerSample;
    }

    /** The sum of a parameter's gradients, {@code [1, *p]}. */
    public Value gradient(String parameter) {
        return value(site(parameter).accumulator(AccumulatorKey.GRADIENT));
    }

    /** A partial result under a request's own key. */
    public Value value(String parameter, Request<?> request, String key) {
        SiteState site = site(parameter);
        SiteRequest own = site.layout().requests().stream()
                .filter(other -> other.request().equals(request))
                .findFirst()
                .orElseThrow();
        AccumulatorKey accumulated = own.accumulated().get(key);
        return accumulated != null
                ? value(site.accumulator(accumulated))
                : new Value(List.of(site.partial(own, key, 0)), 0);
    }

    /** A sum over a group of parameters. */
    public Value value(GroupKey group) {
        return new Value(List.of(sums.of(group)), 0);
    }

    /** A reduction of a node's outputs. */
    public Value value(NodeKey key) {
        return new Value(List.of(nodes.of(key)), 0);
    }

    /** Everything that was accumulated by contractions, and the outputs, under names of its own. */
    public SortedMap<String, Tensor> tensors() {
        SortedMap<String, Tensor> tensors = new TreeMap<>();
        tensors.put("output", output);
        tensors.put("loss_batch", lossPerSample);
        sites.forEach((parameter, site) -> {
            tensors.put(parameter + "/grad", gradient(parameter).tensors().get(0));
            for (SiteRequest request : site.layout().requests()) {
                request.accumulated().forEach((key, accumulated) -> {
                    List<Tensor> own = site.accumulator(accumulated).results();
                    String name =
                            "%s/%s/%s".formatted(parameter, request.request().name(), key);
                    for (int i = 0; i < own.size(); i++) {
                        tensors.put(own.size() == 1 ? name : name + "/" + i, own.get(i));
                    }
                });
                request.pairs()
                        .forEach((key, pair) -> tensors.put(
                                "%s/%s/%s"
                                        .formatted(parameter, request.request().name(), key),
                                sums.of(PairLayout.ofSite(site.layout(), pair))));
            }
        });
        sums.all().forEach((group, sum) -> {
            if (group.parameters().size() > 1) {
                tensors.put("*/%s over %s".formatted(group.pair().described(), group.described()), sum);
            }
        });
        return tensors;
    }

    private SiteState site(String parameter) {
        return Objects.requireNonNull(sites.get(parameter), parameter);
    }

    private static Value value(Accumulator accumulator) {
        return new Value(accumulator.results(), accumulator.count());
    }

    @Override
    public void close() {
        partials.close();
        outputs.close();
    }
}
