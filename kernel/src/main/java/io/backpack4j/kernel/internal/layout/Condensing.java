// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import java.util.List;

/**
 * Choice of the nodes at which the columns of a condensed signal are replaced on their way. With one Jacobian J for all
 * samples, (1/N) Σ_n Jᵀ H_n J is Jᵀ H J, whether H is the mean of the H_n or their columns stay apart. So they are
 * condensed once in front of every node at which samples matter, at the fewest elements since the last such node, and
 * not at all below the last one.
 */
final class Condensing {

    private Condensing() {}

    /**
     * Chooses.
     *
     * @param reaches per node, whether the signal must get there
     * @param sitesAt per node, the wanted sites that have a use there
     * @return per node, whether the columns at its output are replaced
     */
    static boolean[] nodes(BoundGraph graph, CondensedSignal signal, boolean[] reaches, List<List<SiteUse>> sitesAt) {
        List<BoundNode> nodes = graph.nodes();
        boolean[] condenses = new boolean[nodes.size()];
        int smallest = -1;
        for (int index = nodes.size() - 1; index >= 0; index--) {
            if (reaches[index]) {
                smallest =
                        smallest < 0 || elements(nodes.get(index)) < elements(nodes.get(smallest)) ? index : smallest;
                if (samplesMatter(nodes.get(index), signal, sitesAt.get(index))) {
                    condenses[smallest] = true;
                    smallest = -1;
                }
            }
        }
        return condenses;
    }

    private static long elements(BoundNode node) {
        return node.declaration().output().elements();
    }

    private static boolean samplesMatter(BoundNode node, CondensedSignal signal, List<SiteUse> uses) {
        return !node.declaration().sharesJacobian()
                || uses.stream().anyMatch(use -> samplesMatter(use.site(), isFactored(node, use), signal));
    }

    /**
     * Whether the derivatives have an input side, which differs from sample to sample, though the whole parameter of
     * these rows may have no factors.
     */
    private static boolean isFactored(BoundNode node, SiteUse use) {
        return node.declaration().parameters().stream()
                .anyMatch(spec ->
                        spec.name().equals(use.name()) && spec.kronecker().isPresent());
    }

    /**
     * Whether a result is not the same for all columns q_vn with the same Σ_vn q qᵀ, given that samples share the
     * Jacobian of the module.
     */
    private static boolean samplesMatter(SiteLayout site, boolean factored, CondensedSignal signal) {
        return site.requests().stream()
                        .anyMatch(request ->
                                request.visits().values().stream().anyMatch(signals -> signals.contains(signal)))
                || site.accumulators().stream()
                        .filter(key -> key.signal().equals(signal))
                        .anyMatch(key -> factored ? !key.contraction().isOfOneSide() : !isOfSum(key.contraction()));
    }

    /** Whether a contraction is linear in Σ_vn q qᵀ. */
    private static boolean isOfSum(Contraction contraction) {
        return contraction.dependsOnOuterProductsOnly() && contraction.mergeRule() == MergeRule.SUM;
    }
}
