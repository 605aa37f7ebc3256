package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.pass.AccumulatorKey;
import io.backpack4j.kernel.internal.pass.SiteLayout;
import io.backpack4j.kernel.internal.pass.SiteRequest;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.Contraction;
import java.util.List;

/** What Kronecker factors are not made of. */
final class KroneckerChecks {

    private KroneckerChecks() {}

    static void report(BoundGraph graph, List<SiteLayout> sites, Problems problems) {
        for (SiteLayout site : sites) {
            if (site.uses().size() > 1) {
                for (SiteRequest request : site.requests()) {
                    if (request.accumulated().values().stream().anyMatch(KroneckerChecks::isFactor)) {
                        problems.add(
                                "TiedParameter",
                                "%s has no Kronecker factors of '%s', which is used %d times: %s. Leave it out with parameters=[…], or ask for a diagonal such as DiagGGNExact."
                                        .formatted(
                                                request.request().extension().type(),
                                                site.parameter(),
                                                site.uses().size(),
                                                users(graph, site)));
                    }
                }
            }
        }
    }

    private static boolean isFactor(AccumulatorKey key) {
        return key.contraction() instanceof Contraction.InputFactor
                || key.contraction() instanceof Contraction.OutputFactor;
    }

    private static List<String> users(BoundGraph graph, SiteLayout site) {
        return site.uses().stream()
                .map(use -> graph.nodes().get(use.node()).described())
                .distinct()
                .toList();
    }
}
