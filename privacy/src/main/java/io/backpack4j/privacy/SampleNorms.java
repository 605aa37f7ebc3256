// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * The two walks of a clipped sum: squared norms of single samples first, per group of parameters; then the sum of
 * gradients with weights that were made of them. No gradient of a single sample is ever stored.
 */
final class SampleNorms {

    private static final String SQUARES = "squares";
    private static final String SUM = "sum";

    private SampleNorms() {}

    /** Asks for squared norms, or for inner products where several samples belong together. */
    static void declareFirst(SiteDeclaration site, String group, boolean together) {
        if (together) {
            site.accumulateInGroup(group, new LossGradient(), new LossGradient(), new CrossInnerProducts(false));
        } else {
            site.accumulate(SQUARES, new LossGradient(), new Contraction.SquaredNorms());
        }
    }

    /** Asks for the weighted sum. */
    static void declareSecond(SiteDeclaration site, Object owner, String group) {
        site.accumulate(SUM, new LossGradient(), new Contraction.WeightedSum(new Operand(owner, weights(group)), 1));
    }

    /** What the weights of a group are called. */
    static String weights(String group) {
        return "weights/" + group;
    }

    /** The weighted sum at a parameter, {@code *p}. */
    static Tensor sum(SitePartial partial) {
        return partial.scope().view(partial.tensor(SUM), partial.shape());
    }

    /** The groups with the names of their parameters, in the order of the network. */
    static Map<String, List<String>> members(NetworkPartial partial, ParameterGroups groups) {
        return groups.members(
                partial.sites().stream().map(SitePartial::parameter).toList());
    }

    /** ‖g_n‖² over some parameters, {@code [N]}. */
    static Tensor squares(NetworkPartial partial, List<String> parameters) {
        var ops = partial.backend().elementwise();
        Tensor sum = partial.scope().allocate(Shape.of(partial.samples()), partial.dtype());
        ops.fill(sum, 0);
        for (SitePartial site : partial.sites()) {
            if (parameters.contains(site.parameter())) {
                ops.addScaled(1, partial.scope().view(site.tensor(SQUARES), sum.shape()), sum);
            }
        }
        return sum;
    }

    /**
     * ‖Σ g_m‖² over the samples m that belong to the same as sample n, {@code [N]}.
     *
     * @param belongs {@code [N, N]}: 1 where two samples belong together, else 0
     */
    static Tensor squares(NetworkPartial partial, String group, Tensor belongs) {
        Tensor gram = partial.group(group);
        Tensor product = partial.scope().allocate(belongs.shape(), partial.dtype());
        Tensor squares = partial.scope().allocate(Shape.of(partial.samples()), partial.dtype());
        partial.backend().products().multiply(belongs, false, gram, false, 1, 0, product);
        partial.backend().elementwise().combine(BinaryOperation.MULTIPLY, product, belongs, product);
        partial.backend().reductions().reduce(Reduction.SUM, product, 1, 2, squares);
        return squares;
    }

    /**
     * By what a gradient in the pass is multiplied to be that of the sample's own loss: N for the reduction {@code
     * mean}, 1 for {@code sum}.
     */
    static double factor(NetworkPartial partial) {
        return isMean(partial) ? partial.samples() : 1;
    }

    /** Whether the loss is a mean. */
    static boolean isMean(NetworkPartial partial) {
        return partial.normaliser() == partial.meanNormaliser();
    }
}
