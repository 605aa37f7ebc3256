// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * The diagonal of the generalised Gauss-Newton matrix: diag Σ_n J_nᵀ (c ∇²ℓ_n) J_n = Σ_n Σ_v (J_nᵀ s_vn)², {@code *p},
 * J_n being the Jacobian of the network's output and s_vn the columns of a root of the loss's Hessian (Schraudolph
 * 2002; Dangel, Kunstner, Hennig 2020, appendix A.3).
 */
public record DiagGGNExact() implements TensorExtension, CurvatureExtension<Tensor> {

    private static final String KEY = "diagonal";

    @Override
    public String resultName() {
        return "diag_ggn_exact";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new LossHessianRoot(), new Contraction.SumOfSquares());
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
