// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The diagonals of the generalised Gauss-Newton matrices of single samples: diag J_nᵀ (c ∇²ℓ_n) J_n, {@code [N, *p]}.
 * They add up to {@link DiagGGNExact}.
 */
public record BatchDiagGGNExact() implements TensorExtension {

    private static final String KEY = "diagonal";

    @Override
    public String resultName() {
        return "diag_ggn_exact_batch";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new LossHessianRoot(), new Contraction.SumOfSquaresPerSample());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }

    @Override
    public MergeRule resultRule() {
        return MergeRule.PER_SAMPLE;
    }
}
