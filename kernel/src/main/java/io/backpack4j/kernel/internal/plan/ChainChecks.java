// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.tensor.DType;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** What signals that are condensed on their way need: a chain, and room for a matrix wherever they are. */
final class ChainChecks {

    /**
     * A matrix beyond that and the budget is refused at once: a rehearsal that says what would do takes minutes with
     * it.
     */
    private static final double REHEARSED_BYTES = 512 << 20;

    private final BoundGraph graph;
    private final Problems problems;
    private final Set<String> extensions = new LinkedHashSet<>();
    private final boolean[] reached;

    private ChainChecks(BoundGraph graph, List<SiteLayout> sites, Problems problems) {
        this.graph = graph;
        this.problems = problems;
        this.reached = new boolean[graph.nodes().size()];
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                if (condensed(request)) {
                    String extension = request.request().extension().type();
                    extensions.add(extension);
                    site.uses().forEach(use -> reached[use.node()] = true);
                    reportTied(site, extension);
                }
            }
        }
        for (BoundNode node : graph.nodes()) {
            reached[node.index()] |= reachedInputs(node) > 0;
        }
    }

    static void report(PassLayout layout, PassOptions options, Problems problems) {
        ChainChecks checks = new ChainChecks(layout.graph(), layout.sites(), problems);
        for (String extension : checks.extensions) {
            checks.reportBranches(extension);
            checks.reportRecurrent(extension);
            options.memoryBytes().ifPresent(budget -> checks.reportSizes(extension, layout, budget));
        }
    }

    /** The extensions that need the batch as a whole because their signals average over it. */
    static Set<String> averaging(BoundGraph graph, List<SiteLayout> sites) {
        return new ChainChecks(graph, sites, new Problems()).extensions;
    }

    private static boolean condensed(SiteRequest request) {
        return Stream.concat(
                        request.accumulated().values().stream().map(key -> key.signal()),
                        request.visits().values().stream().flatMap(Set::stream))
                .anyMatch(CondensedSignal.class::isInstance);
    }

    private void reportTied(SiteLayout site, String extension) {
        if (site.uses().size() > 1) {
            problems.add(
                    KernelProblems.NOT_A_CHAIN,
                    "%s follows one path from the loss to each parameter, but '%s' is used %d times, last by %s. Use KFLR or KFAC, or leave it out with parameters=[…]."
                            .formatted(
                                    extension,
                                    site.parameter(),
                                    site.uses().size(),
                                    graph.nodes()
                                            .get(site.uses()
                                                    .get(site.uses().size() - 1)
                                                    .node())
                                            .described()));
        }
    }

    private void reportBranches(String extension) {
        int[] readers = new int[reached.length];
        readers[graph.output()] = 1;
        for (BoundNode node : graph.nodes()) {
            for (BoundNode.Source source : node.inputs()) {
                if (source.fromNode() && reached[source.index()]) {
                    readers[source.index()]++;
                }
            }
        }
        for (BoundNode node : graph.nodes()) {
            if (reached[node.index()] && readers[node.index()] > 1) {
                problems.add(
                        KernelProblems.NOT_A_CHAIN,
                        "%s follows one path from the loss to each parameter, but the output of %s is read %d times. Use KFLR or KFAC."
                                .formatted(extension, node.described(), readers[node.index()]));
            }
            if (reachedInputs(node) > 1) {
                problems.add(
                        KernelProblems.NOT_A_CHAIN,
                        "%s follows one path from the loss to each parameter, but %s joins %d. Use KFLR or KFAC."
                                .formatted(extension, node.described(), reachedInputs(node)));
            }
        }
    }

    private void reportRecurrent(String extension) {
        for (BoundNode node : graph.nodes()) {
            if (reached[node.index()]
                    && PluginCalls.call(node.part(), "in its kind", node.node().module()::isRecurrent)) {
                problems.add(
                        CommonProblems.UNSUPPORTED_MODULE,
                        "%s follows matrices from output to output, but the weights of %s meet themselves at every step. Use KFLR or KFAC, or ask for parameters behind it with parameters=[…]."
                                .formatted(extension, node.described()));
            }
        }
    }

    private void reportSizes(String extension, PassLayout layout, long budget) {
        DType dtype = layout.dtype();
        for (BoundNode node : graph.nodes()) {
            long size = node.declaration().output().elements();
            double bytes = (double) size * size * dtype.bytes();
            if (layout.condensesAt(node.index()) && bytes > Math.max(budget, REHEARSED_BYTES)) {
                problems.add(
                        KernelProblems.MEMORY_BUDGET,
                        "%s needs a matrix [%d, %d] at the output of %s, which takes %.0f bytes, and the budget is %d bytes. Use KFLR or KFAC."
                                .formatted(extension, size, size, node.described(), bytes, budget));
            }
        }
    }

    private int reachedInputs(BoundNode node) {
        return (int) node.inputs().stream()
                .filter(source -> source.fromNode() && reached[source.index()])
                .count();
    }
}
