// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds out which signals have to travel in a stage, and how far. */
final class StageLayouts {

    private final BoundGraph graph;
    private final List<SiteLayout> sites;

    StageLayouts(BoundGraph graph, List<SiteLayout> sites) {
        this.graph = graph;
        this.sites = sites;
    }

    /** A stage's layout, by the stage's number from 1 on. */
    StageLayout stage(int stage) {
        Map<Signal, List<SiteLayout>> wanted = wantedIn(stage);
        Optional<SignalLayout> residual = Optional.ofNullable(wanted.remove(new ResidualCurvature()))
                .map(curved -> layout(new ResidualCurvature(), curved));
        return new StageLayout(signalsOf(wanted, residual), residual, waitingIn(stage));
    }

    private Map<Signal, List<SiteLayout>> wantedIn(int stage) {
        Map<Signal, List<SiteLayout>> wanted = new LinkedHashMap<>();
        for (SiteLayout site : sites) {
            for (Signal signal : site.signals(stage)) {
                wanted.computeIfAbsent(signal, key -> new ArrayList<>()).add(site);
            }
        }
        return wanted;
    }

    private List<SignalLayout> waitingIn(int stage) {
        Map<Signal, List<SiteLayout>> wanted = new LinkedHashMap<>();
        for (SiteLayout site : sites) {
            site.accumulators().stream()
                    .filter(key -> key.stage() == stage && site.waits(key))
                    .map(AccumulatorKey::signal)
                    .distinct()
                    .forEach(signal -> wanted.computeIfAbsent(signal, absent -> new ArrayList<>())
                            .add(site));
        }
        return signalsOf(wanted, Optional.empty());
    }

    private List<SignalLayout> signalsOf(Map<Signal, List<SiteLayout>> wanted, Optional<SignalLayout> residual) {
        if (residual.isPresent()) {
            wanted.putIfAbsent(new LossGradient(), List.of());
        }
        List<SignalLayout> layouts = new ArrayList<>();
        wanted.forEach((signal, wantedSites) -> {
            SignalLayout layout = layout(signal, wantedSites);
            if (residual.isPresent() && signal instanceof LossGradient) {
                // Curvature is made of the gradient.
                for (int node = 0; node < layout.reaches().length; node++) {
                    layout.reaches()[node] |= residual.get().reaches()[node];
                }
            }
            layouts.add(layout);
        });
        return layouts;
    }

    private SignalLayout layout(Signal signal, List<SiteLayout> wantedSites) {
        int count = graph.nodes().size();
        List<List<SiteUse>> sitesAt = new ArrayList<>();
        for (int node = 0; node < count; node++) {
            sitesAt.add(new ArrayList<>());
        }
        for (SiteLayout site : wantedSites) {
            // Backward order, also of two uses at one node.
            for (int i = site.uses().size() - 1; i >= 0; i--) {
                BoundGraph.Use use = site.uses().get(i);
                sitesAt.get(use.node()).add(new SiteUse(site, use.name(), use.rows(), i == 0));
            }
        }
        boolean[] reaches = new boolean[count];
        for (BoundNode node : graph.nodes()) {
            reaches[node.index()] = !sitesAt.get(node.index()).isEmpty()
                    || node.inputs().stream().anyMatch(source -> source.fromNode() && reaches[source.index()]);
        }
        if (signal instanceof CondensedSignal condensed) {
            return new SignalLayout(
                    signal, false, reaches, sitesAt, Condensing.nodes(graph, condensed, reaches, sitesAt));
        }
        boolean splits = wantedSites.stream().allMatch(site -> site.splitsColumns(signal));
        return new SignalLayout(signal, splits, reaches, sitesAt, new boolean[count]);
    }
}
