// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.OperandLayout;
import io.backpack4j.kernel.internal.layout.PairKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** Asks every extension what it needs at every parameter, and lays out a pass that gives it to them. */
final class LayoutBuilder {

    private LayoutBuilder() {}

    static PassLayout build(
            BoundGraph graph, Loss loss, DType dtype, long samples, List<Request<?>> requests, Problems problems) {
        Superposition superposition = Superposition.of(graph, loss, samples);
        CurvatureProbe probe = new CurvatureProbe(graph, dtype);
        Map<String, List<SiteRequest>> declared = new LinkedHashMap<>();
        graph.uses().forEach((parameter, uses) -> {
            ParameterSpec spec = Objects.requireNonNull(graph.parameters().get(parameter));
            List<SiteRequest> wanted = new ArrayList<>();
            for (Request<?> request : requests) {
                if (request.wants(parameter)) {
                    problems.collect(() -> {
                        SiteRequest site = superposition.applied(
                                DeclarationCollector.collect(
                                        request, parameter, spec, samples, () -> probe.above(uses)),
                                uses);
                        if (!site.isEmpty()) {
                            wanted.add(site);
                        }
                    });
                }
            }
            declared.put(parameter, wanted);
        });
        List<SiteRequest> declarations =
                declared.values().stream().flatMap(List::stream).toList();
        GaussNewtonChecks.reportRequests(loss, declarations, problems);
        RootReduction reduction = RootReduction.of(declarations);
        List<SiteLayout> sites = new ArrayList<>();
        declared.forEach((parameter, all) -> {
            ParameterSpec spec = Objects.requireNonNull(graph.parameters().get(parameter));
            List<SiteRequest> wanted = all.stream().map(reduction::applied).toList();
            Set<AccumulatorKey> accumulators = new LinkedHashSet<>(List.of(AccumulatorKey.GRADIENT));
            wanted.forEach(site -> site.accumulated().values().forEach(key -> add(key, accumulators)));
            accumulators.removeIf(key -> !key.source(accumulators).equals(key));
            sites.add(new SiteLayout(
                    sites.size(),
                    parameter,
                    spec.shape(),
                    spec.kronecker(),
                    Objects.requireNonNull(graph.uses().get(parameter)),
                    wanted,
                    List.copyOf(accumulators)));
        });
        reportClashes(requests, problems);
        reportGroups(sites, problems);
        OperandLayout.report(sites, problems);
        ParameterChecks.report(graph, requests, sites, problems);
        reportCoupled(graph, sites, problems);
        reportTied(graph, sites, problems);
        sites.forEach(site -> reportSides(graph, site, problems));
        return new PassLayout(graph, loss, dtype, samples, requests, sites);
    }

    /**
     * Adds what is accumulated for a key, and what of the whole batch it is made with, unless an earlier stage knows
     * that.
     */
    private static void add(AccumulatorKey key, Set<AccumulatorKey> accumulators) {
        key.contraction().ofBatch().ifPresent(contraction -> {
            boolean known = accumulators.stream()
                    .anyMatch(other -> other.stage() <= key.stage()
                            && other.signal().equals(key.signal())
                            && other.contraction().equals(contraction));
            if (!known) {
                accumulators.add(new AccumulatorKey(key.stage(), key.signal(), contraction));
            }
        });
        accumulators.add(key.source(accumulators));
    }

    private static void reportClashes(List<Request<?>> requests, Problems problems) {
        Map<String, Request<?>> names = new HashMap<>();
        for (Request<?> request : requests) {
            Request<?> other = names.putIfAbsent(request.name(), request);
            if (other != null || request.name().equals("grad")) {
                problems.add(
                        KernelProblems.DUPLICATE_RESULT,
                        "%s and %s both name their results '%s'. Rename one with as=NAME."
                                .formatted(
                                        other == null
                                                ? "The gradient"
                                                : other.extension().type(),
                                        request.extension().type(),
                                        request.name()));
            }
        }
    }

    /** Refuses groups whose parameters want different sums, because a group has one. */
    private static void reportGroups(List<SiteLayout> sites, Problems problems) {
        Map<Request<?>, Map<String, PairKey>> first = new HashMap<>();
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                request.groups().forEach((name, pair) -> {
                    PairKey other = first.computeIfAbsent(request.request(), absent -> new HashMap<>())
                            .putIfAbsent(name, pair);
                    if (other != null && !other.equals(pair)) {
                        problems.add(
                                CommonProblems.INVALID_DECLARATION,
                                "%s wants the %s of '%s' in the group '%s', but the %s of other parameters there. Use groups of different names."
                                        .formatted(
                                                request.request().extension().type(),
                                                pair.described(),
                                                site.parameter(),
                                                name,
                                                other.described()));
                    }
                });
            }
        }
    }

    /**
     * Refuses per-sample quantities where samples influence each other: only the sum of their gradients has a meaning.
     */
    private static void reportCoupled(BoundGraph graph, List<SiteLayout> sites, Problems problems) {
        List<BoundNode> coupling = graph.nodes().stream()
                .filter(node -> node.declaration().couplesSamples())
                .toList();
        if (coupling.isEmpty()) {
            return;
        }
        Set<String> refused = new LinkedHashSet<>();
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                boolean onlyGradient = isOnlyOfDiagonals(request)
                        && request.visits().isEmpty()
                        && request.allPairs().findAny().isEmpty()
                        && request.accumulated().values().stream().allMatch(AccumulatorKey.GRADIENT::equals);
                if (!onlyGradient) {
                    refused.add(request.request().extension().type());
                }
            }
        }
        for (String extension : refused) {
            problems.add(
                    KernelProblems.COUPLED_SAMPLES,
                    "%s needs quantities of single samples, but %s mixes the samples of a batch. Use its eval mode with running statistics (PassOptions.mode, --mode eval, or \"mode\": \"eval\" in a model file), take the batch's statistics as constants (PassOptions.statistics, --statistics constant), or leave the extension out: gradients are computed in either mode."
                            .formatted(extension, coupling.get(0).described()));
        }
    }

    /** Whether all partial results are diagonals over the batch, which need no gradients of single samples. */
    private static boolean isOnlyOfDiagonals(SiteRequest request) {
        return request.partials().entrySet().stream()
                .allMatch(partial -> request.diagonals().containsKey(partial.getKey())
                        && partial.getValue().rule() == MergeRule.SUM);
    }

    private static String instead(Extension<?> extension) {
        return PluginCalls.call(Part.of(extension), "as it said what to use", extension::insteadOfResidualCurvature)
                .orElse("Use a Hessian operator's product with unit vectors");
    }

    /** Refuses tied parameters: two uses of an element have second derivatives in common, which no walk sees. */
    private static void reportTied(BoundGraph graph, List<SiteLayout> sites, Problems problems) {
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                if (request.wantsResidual()) {
                    reportRecurrent(graph, site, request, problems);
                }
                if (BoundGraph.Use.areTied(site.uses()) && request.wantsResidual()) {
                    List<String> users = site.uses().stream()
                            .map(use -> graph.nodes().get(use.node()).described())
                            .toList();
                    problems.add(
                            KernelProblems.TIED_PARAMETER,
                            "%s cannot compute '%s', because %s use it together. %s, or name other parameters with parameters=[…]."
                                    .formatted(
                                            request.request().extension().type(),
                                            site.parameter(),
                                            String.join(" and ", users),
                                            instead(request.request().extension())));
                }
            }
        }
    }

    /** Neither does it see those that the steps of a recurrent layer have in common. */
    private static void reportRecurrent(BoundGraph graph, SiteLayout site, SiteRequest request, Problems problems) {
        site.uses().stream()
                .map(use -> graph.nodes().get(use.node()))
                .filter(node ->
                        PluginCalls.call(node.part(), "in its kind", node.node().module()::isRecurrent))
                .findFirst()
                .ifPresent(node -> problems.add(
                        KernelProblems.TIED_PARAMETER,
                        "%s cannot compute '%s', because %s uses it at every step. %s, or name other parameters with parameters=[…]."
                                .formatted(
                                        request.request().extension().type(),
                                        site.parameter(),
                                        node.described(),
                                        instead(request.request().extension()))));
    }

    /** A weight that one node looks up and another multiplies with has its inputs on different sides. */
    private static void reportSides(BoundGraph graph, SiteLayout site, Problems problems) {
        List<String> users = site.uses().stream()
                .map(use -> graph.nodes().get(use.node()).described())
                .toList();
        boolean differs = site.uses().stream()
                        .flatMap(use -> graph.nodes().get(use.node()).declaration().parameters().stream()
                                .filter(spec -> spec.name().equals(use.name())))
                        .map(ParameterSpec::kronecker)
                        .filter(Optional::isPresent)
                        .map(sizes -> sizes.get().diagonalInputs())
                        .distinct()
                        .count()
                > 1;
        for (SiteRequest request : site.requests()) {
            if (differs
                    && request.accumulated().values().stream()
                            .anyMatch(key -> key.contraction().isOfOneSide())) {
                problems.add(
                        KernelProblems.TIED_PARAMETER,
                        "%s has no Kronecker factors of '%s', because the inputs of %s stand on different sides of it. Name other parameters with parameters=[…]."
                                .formatted(
                                        request.request().extension().type(),
                                        site.parameter(),
                                        String.join(" and ", users)));
            }
        }
    }
}
