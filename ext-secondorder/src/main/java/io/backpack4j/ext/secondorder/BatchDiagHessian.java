package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;

/** The diagonals of the Hessians of single samples: diag ∇²_θ c ℓ_n, {@code [N, *p]}. They add up to {@link DiagHessian}. */
public record BatchDiagHessian() implements TensorExtension {

    @Override
    public String resultName() {
        return "diag_h_batch";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        HessianParts.declare(site, new Contraction.SumOfSquaresPerSample());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return HessianParts.sum(partial);
    }

    @Override
    public MergeRule resultRule() {
        return MergeRule.PER_SAMPLE;
    }
}
