// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * A Monte-Carlo estimate of {@link DiagGGNExact}, unbiased: (1/M) Σ_n Σ_m c (J_nᵀ ∇ℓ(f_n, ỹ_nm))² with targets ỹ drawn
 * from the network's own prediction, {@code *p}. For likelihood losses it is the diagonal of the Fisher information
 * matrix.
 *
 * @param mcSamples M, the number of draws per sample
 */
public record DiagGGNMC(int mcSamples) implements TensorExtension, CurvatureExtension<Tensor> {

    private static final String KEY = "diagonal";

    public DiagGGNMC {
        mcSamples = new SampledLossGradient(mcSamples).samples();
    }

    /** With one draw per sample. */
    public DiagGGNMC() {
        this(1);
    }

    @Override
    public String resultName() {
        return "diag_ggn_mc";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new SampledLossGradient(mcSamples), new Contraction.SumOfSquares());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }

    @Override
    public CurvatureBlock blockOf(Site site, Map<String, Tensor> tensors) {
        return DiagonalBlock.of(site, tensors);
    }
}
