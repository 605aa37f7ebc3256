// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.extension.LossHessianRoot;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Whether a loss may choose the root of its Hessian: sums of products of a root's columns are the same for all roots.
 * If anybody in a plan asks for columns themselves, all get the loss's own, so that one root travels.
 */
final class RootReduction {

    private final boolean possible;

    private RootReduction(boolean possible) {
        this.possible = possible;
    }

    /** Looks at all requests of a plan. */
    static RootReduction of(Collection<SiteRequest> requests) {
        return new RootReduction(requests.stream().allMatch(RootReduction::onlyAddsUp));
    }

    private static boolean onlyAddsUp(SiteRequest request) {
        boolean visits = request.visits().values().stream()
                .anyMatch(signals -> signals.stream().anyMatch(LossHessianRoot.class::isInstance));
        boolean meets = request.allPairs()
                .anyMatch(pair -> pair.left() instanceof LossHessianRoot || pair.right() instanceof LossHessianRoot);
        return !visits
                && !meets
                && request.accumulated().values().stream()
                        .allMatch(key -> !(key.signal() instanceof LossHessianRoot)
                                || key.contraction().dependsOnOuterProductsOnly());
    }

    /** Replaces the root that a request wants by the reduced one where that does the same. */
    SiteRequest applied(SiteRequest request) {
        if (!possible) {
            return request;
        }
        Map<String, AccumulatorKey> accumulated = new LinkedHashMap<>();
        request.accumulated().forEach((name, key) -> accumulated.put(name, reduced(key)));
        return request.withAccumulated(accumulated);
    }

    private static AccumulatorKey reduced(AccumulatorKey key) {
        return key.signal() instanceof LossHessianRoot
                ? new AccumulatorKey(key.stage(), new PlannedRoot(PlannedRoot.Choice.REDUCED), key.contraction())
                : key;
    }
}
