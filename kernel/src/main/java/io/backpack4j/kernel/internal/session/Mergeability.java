// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.PairKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.ProblemId;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.MergeRule;

/** Checks for results that do not merge over batches. */
final class Mergeability {

    private static final ProblemId ID = CommonProblems.NOT_MERGEABLE;

    private Mergeability() {}

    static void report(PassLayout layout, Problems problems) {
        boolean scales = scales(layout.loss(), problems);
        for (BoundNode node : layout.graph().nodes()) {
            if (node.declaration().needsWholeBatch()) {
                problems.add(
                        KernelProblems.COUPLED_SAMPLES,
                        "%s mixes the samples of a batch, so that a data set in batches is another function than as a whole. Use its eval mode with running statistics (\"mode\": \"eval\" in a model file), or take the data as one batch without a session."
                                .formatted(node.described()));
            }
        }
        for (SiteLayout site : layout.sites()) {
            for (SiteRequest request : site.requests()) {
                report(request, scales, problems);
            }
        }
    }

    /** Whether the loss's factor depends on the batch. */
    private static boolean scales(Loss loss, Problems problems) {
        try {
            return loss.normaliserOfAll(1, 1) != 1;
        } catch (BackpackException e) {
            e.problems().forEach(problem -> problems.add(problem.id(), problem.message()));
            return false;
        }
    }

    private static void report(SiteRequest request, boolean scales, Problems problems) {
        Extension<?> extension = request.request().extension();
        String type = extension.type();
        if (extension.stages() > 1) {
            problems.add(
                    ID,
                    "%s walks a batch %d times, and what it sees the second time depends on the whole batch. Compute it on a batch of its own."
                            .formatted(type, extension.stages()));
        }
        if (!request.products().isEmpty()
                || !PassLayout.matrices(request.request()).isEmpty()) {
            problems.add(
                    ID,
                    "%s makes products that need a linearised batch. Linearise every batch with BackPack.linearize and add up the products, weighted by samples if the loss is a mean."
                            .formatted(type));
        }
        request.accumulated().values().forEach(key -> report(type, key, problems));
        request.allPairs()
                .filter(pair -> pair.rule() == MergeRule.NOT_MERGEABLE)
                .forEach(pair -> problems.add(ID, message(type, pair)));
        request.partials().forEach((key, partial) -> {
            if (partial.rule() == MergeRule.NOT_MERGEABLE) {
                problems.add(
                        ID,
                        "%s declares its partial result '%s' as one that does not merge. Compute it on a batch of its own."
                                .formatted(type, key));
            } else if (partial.degree().isEmpty() && scales) {
                problems.add(
                        KernelProblems.UNKNOWN_DEGREE,
                        "%s does not say how its partial result '%s' scales with the loss's factor, which depends on the batch. Declare it with a degree, or use a loss with reduction 'sum'."
                                .formatted(type, key));
            }
        });
    }

    private static String message(String type, PairKey pair) {
        return pair.products().sameSample()
                ? "%s picks samples by their positions in a batch. Leave 'subsampling' out and pick by Session.sampleIds(), or add only these samples."
                        .formatted(type)
                : "%s needs %s between all samples of a batch, and those of different batches never meet. Compute it on a batch of its own."
                        .formatted(type, pair.described());
    }

    private static void report(String type, AccumulatorKey key, Problems problems) {
        if (key.signal() instanceof CondensedSignal) {
            problems.add(
                    ID,
                    "%s averages over the whole batch at every node. Use KFLR or KFAC, or take the data as one batch."
                            .formatted(type));
        } else if (key.rule() == MergeRule.NOT_MERGEABLE) {
            problems.add(
                    ID,
                    "%s needs %s, which are between all samples of a batch. Compute it on a batch of its own."
                            .formatted(type, key.contraction()));
        } else if (key.isOfBatch()) {
            problems.add(
                    ID,
                    "%s needs %s, which compares every sample's gradient with the sum over its own batch: with every batch that is added the sum changes. Compute it on a batch of its own."
                            .formatted(type, key.contraction()));
        } else if (key.contraction()
                .operand()
                .filter(operand -> !operand.isOfRun())
                .isPresent()) {
            problems.add(
                    ID,
                    "%s contracts with weights or vectors that it makes for one batch. Compute it on a batch of its own."
                            .formatted(type));
        } else if (key.contraction().hasOperandOfSamples()) {
            problems.add(
                    ID,
                    "%s contracts with an operand that has a weight per sample, which is of one batch. Compute it on a batch of its own."
                            .formatted(type));
        } else if (key.contraction().subsampling().isPresent()) {
            problems.add(
                    ID,
                    "%s picks samples by their positions in a batch. Leave 'subsampling' out and pick by Session.sampleIds(), or add only these samples."
                            .formatted(type));
        }
    }
}
