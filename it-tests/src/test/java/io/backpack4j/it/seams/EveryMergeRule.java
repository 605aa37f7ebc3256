// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.SiteVisit;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Accumulates results of every merge rule, by contractions and by hand; the two ways must agree.
 *
 * @param withUnmergeable whether one of them does not merge
 */
record EveryMergeRule(boolean withUnmergeable) implements Extension<Map<String, Tensor>> {

    private static final LossHessianRoot ROOT = new LossHessianRoot();
    private static final LossGradient GRADIENT = new LossGradient();

    @Override
    public String resultName() {
        return "rules";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate("diag", ROOT, new Contraction.SumOfSquares());
        site.accumulate("diag_batch", ROOT, new Contraction.SumOfSquaresPerSample());
        site.accumulate("root", ROOT, new Contraction.PerSample());
        site.accumulate("root_some", ROOT, new Contraction.PerSample(Optional.of(List.of(4, 0, 1, 1))));
        site.accumulate("root_norms", ROOT, new Contraction.SquaredNorms());
        site.accumulate("root_sum", ROOT, new Contraction.Sum());
        site.accumulate("root_moments", ROOT, new Contraction.Moments());
        site.accumulate("moments", GRADIENT, new Contraction.Moments());
        site.accumulate("root_extremes", ROOT, new Contraction.Extremes());
        site.accumulate("root_trace", ROOT, new Contraction.Trace());
        site.accumulate("root_centred", ROOT, new Contraction.CentredSquaredNorm());
        site.accumulate("root_dots", ROOT, new Contraction.DotWithSum());
        site.accumulate("dots", GRADIENT, new Contraction.DotWithSum());
        site.accumulate("centred", GRADIENT, new Contraction.CentredSquaredNorm());
        site.partial("hand_diag", ROOT, MergeRule.SUM, site.shape());
        site.partial("hand_max", ROOT, MergeRule.MAX, Shape.of());
        site.partial("hand_diag_batch", ROOT, MergeRule.PER_SAMPLE, site.shape());
        site.partial("hand_root", ROOT, MergeRule.PER_COLUMN_AND_SAMPLE, site.shape());
        if (withUnmergeable) {
            site.accumulate("gram", GRADIENT, new Contraction.InnerProducts(false));
            site.partial("hand_whole", GRADIENT, MergeRule.NOT_MERGEABLE, site.shape());
        }
    }

    @Override
    public void extract(int stage, SiteVisit visit) {
        var ops = visit.backend().elementwise();
        if (visit.signal().equals(GRADIENT)) {
            if (withUnmergeable) {
                visit.derivatives().tiles((block, gradients) -> {
                    Tensor target = visit.partial("hand_whole");
                    addTo(visit, gradients, target);
                });
            }
            return;
        }
        Tensor root = visit.partial("hand_root");
        visit.derivatives()
                .perSample(
                        new Block(
                                0,
                                visit.derivatives().columns(),
                                0,
                                visit.derivatives().samples()),
                        root);
        Tensor squares = visit.scope().allocate(root.shape(), root.dtype());
        ops.apply(UnaryOperation.SQUARE, root, squares);
        Tensor perSample = visit.scope().allocate(root.shape().dropFirst(1), root.dtype());
        visit.backend().reductions().reduce(Reduction.SUM, squares, 0, 1, perSample);
        ops.addScaled(1, perSample, visit.partial("hand_diag_batch"));
        Tensor total = visit.scope().allocate(root.shape().dropFirst(2), root.dtype());
        visit.backend().reductions().reduce(Reduction.SUM, perSample, 0, 1, total);
        ops.addScaled(1, total, visit.partial("hand_diag"));
        Tensor largest = visit.scope().allocate(Shape.of(), root.dtype());
        visit.backend()
                .reductions()
                .reduce(Reduction.MAXIMUM, squares, 0, squares.shape().rank(), largest);
        ops.combine(BinaryOperation.MAXIMUM, visit.partial("hand_max"), largest, visit.partial("hand_max"));
    }

    private static void addTo(SiteVisit visit, Tensor gradients, Tensor target) {
        Tensor rows = visit.scope()
                .view(gradients, target.shape().prepend(gradients.shape().size(1)));
        Tensor total = visit.scope().allocate(target.shape(), target.dtype());
        visit.backend().reductions().reduce(Reduction.SUM, rows, 0, 1, total);
        visit.backend().elementwise().addScaled(1, total, target);
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        Map<String, Tensor> result = new LinkedHashMap<>();
        for (String key : List.of(
                "diag",
                "diag_batch",
                "root",
                "root_some",
                "root_norms",
                "root_sum",
                "root_extremes",
                "root_trace",
                "root_centred",
                "centred",
                "dots",
                "root_dots",
                "hand_diag",
                "hand_max",
                "hand_diag_batch",
                "hand_root")) {
            result.put(key, partial.tensor(key));
        }
        result.put("root_moments_sum", partial.sum("root_moments"));
        result.put("root_moments_squares", partial.centredSquares("root_moments"));
        result.put("moments_sum", partial.sum("moments"));
        result.put("moments_squares", partial.centredSquares("moments"));
        if (withUnmergeable) {
            result.put("gram", partial.tensor("gram"));
            result.put("hand_whole", partial.tensor("hand_whole"));
        }
        return result;
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }
}
