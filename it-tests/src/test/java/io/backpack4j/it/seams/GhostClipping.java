// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * Σ_n min(1, bound/‖g_n‖) g_n with the norm over all parameters, in two stages and without any g_n: norms first, then
 * the weighted sum.
 *
 * @param bound the largest norm that is left alone
 */
public record GhostClipping(double bound) implements TensorExtension {

    @Override
    public String resultName() {
        return "clipped_grad";
    }

    @Override
    public int stages() {
        return 2;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        if (stage == 1) {
            site.accumulate("norms", new LossGradient(), new Contraction.SquaredNorms());
        } else {
            site.accumulate(
                    "clipped", new LossGradient(), new Contraction.WeightedSum(new Operand(this, "weights"), 1));
        }
    }

    @Override
    public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        if (stage == 2) {
            return Map.of();
        }
        var ops = partial.backend().elementwise();
        Tensor norms = partial.scope().allocate(Shape.of(partial.samples()), partial.dtype());
        ops.fill(norms, 0);
        for (SitePartial site : partial.sites()) {
            ops.addScaled(1, partial.scope().view(site.tensor("norms"), norms.shape()), norms);
        }
        ops.apply(UnaryOperation.SQRT, norms, norms);
        Tensor weights = partial.scope().allocate(Shape.of(1, 1, partial.samples()), partial.dtype());
        Tensor flat = partial.scope().view(weights, norms.shape());
        Tensor one = partial.scope().allocate(Shape.of(), partial.dtype());
        ops.fill(one, 1);
        ops.apply(UnaryOperation.RECIPROCAL, norms, flat);
        ops.affine(flat, bound, 0, flat);
        ops.combine(BinaryOperation.MINIMUM, flat, one, flat);
        return Map.of("norms", norms, "weights", weights);
    }

    @Override
    public Tensor operand(String name, SitePartial site) {
        return site.folded(name);
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.scope().view(partial.tensor("clipped"), partial.shape());
    }

    @Override
    public Map<String, Tensor> exportNetwork(Map<String, Tensor> folded) {
        return Map.of("norms", folded.get("norms"));
    }
}
