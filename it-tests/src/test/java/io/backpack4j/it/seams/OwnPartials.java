// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.SiteVisit;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Fills partial results of every rule that merges by itself, and folds one over the network.
 *
 * @param saysDegrees whether it says how they scale with the loss's factor
 */
record OwnPartials(boolean saysDegrees) implements Extension<Map<String, Tensor>> {

    private static final LossHessianRoot ROOT = new LossHessianRoot();
    private static final List<String> KEYS = List.of("sum", "max", "sample", "column");

    @Override
    public String resultName() {
        return "own";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        declare(site, "sum", MergeRule.SUM, site.shape(), 1);
        declare(site, "max", MergeRule.MAX, Shape.of(), 1);
        declare(site, "sample", MergeRule.PER_SAMPLE, site.shape(), 1);
        declare(site, "column", MergeRule.PER_COLUMN_AND_SAMPLE, site.shape(), 0.5);
    }

    private void declare(SiteDeclaration site, String key, MergeRule rule, Shape shape, double degree) {
        if (saysDegrees) {
            site.partial(key, ROOT, rule, shape, degree);
        } else {
            site.partial(key, ROOT, rule, shape);
        }
    }

    @Override
    public void extract(int stage, SiteVisit visit) {
        var ops = visit.backend().elementwise();
        Tensor root = visit.partial("column");
        var derivatives = visit.derivatives();
        derivatives.perSample(new Block(0, derivatives.columns(), 0, derivatives.samples()), root);
        Tensor squares = visit.scope().allocate(root.shape(), root.dtype());
        ops.apply(UnaryOperation.SQUARE, root, squares);
        Tensor perSample = visit.scope().allocate(root.shape().dropFirst(1), root.dtype());
        visit.backend().reductions().reduce(Reduction.SUM, squares, 0, 1, perSample);
        ops.addScaled(1, perSample, visit.partial("sample"));
        Tensor total = visit.scope().allocate(root.shape().dropFirst(2), root.dtype());
        visit.backend().reductions().reduce(Reduction.SUM, perSample, 0, 1, total);
        ops.addScaled(1, total, visit.partial("sum"));
        Tensor largest = visit.scope().allocate(Shape.of(), root.dtype());
        int rank = squares.shape().rank();
        visit.backend().reductions().reduce(Reduction.MAXIMUM, squares, 0, rank, largest);
        ops.combine(BinaryOperation.MAXIMUM, visit.partial("max"), largest, visit.partial("max"));
    }

    /** The trace over the network. */
    @Override
    public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        Tensor trace = partial.scope().allocate(Shape.of(), partial.dtype());
        Tensor one = partial.scope().allocate(Shape.of(), partial.dtype());
        partial.backend().elementwise().fill(trace, 0);
        for (SitePartial site : partial.sites()) {
            Tensor sum = site.tensor("sum");
            partial.backend()
                    .reductions()
                    .reduce(Reduction.SUM, sum, 0, sum.shape().rank(), one);
            partial.backend().elementwise().addScaled(1, one, trace);
        }
        return Map.of("trace", trace);
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        Map<String, Tensor> result = new LinkedHashMap<>();
        KEYS.forEach(key -> result.put(key, partial.tensor(key)));
        return result;
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }

    @Override
    public Map<String, Tensor> exportNetwork(Map<String, Tensor> folded) {
        return folded;
    }
}
