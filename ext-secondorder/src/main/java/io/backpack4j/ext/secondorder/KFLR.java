// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Kronecker factors of the generalised Gauss-Newton matrix's blocks, from the exact root of the loss's Hessian: block ≈
 * G ⊗ A with A = 1/N Σ_n a aᵀ and G = Σ_vn d dᵀ, d being the root's columns travelled back. Botev, Ritter, Barber
 * (2017), "Practical Gauss-Newton Optimisation for Deep Learning". {@link KFAC} with infinitely many draws.
 *
 * @param convention what positions that share a weight do, the layer's default if empty
 */
public record KFLR(Optional<KroneckerConvention> convention) implements CurvatureExtension<KroneckerFactors> {

    /** With the layers' default conventions. */
    public KFLR() {
        this(Optional.empty());
    }

    @Override
    public String resultName() {
        return "kflr";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        KroneckerRequests.declare(site, new LossHessianRoot(), convention);
    }

    @Override
    public KroneckerFactors finish(SitePartial partial) {
        return KroneckerRequests.finish(partial, 1);
    }

    @Override
    public Map<String, Tensor> export(KroneckerFactors result) {
        return result.tensors();
    }

    @Override
    public CurvatureBlock blockOf(Site site, Map<String, Tensor> tensors) {
        return KroneckerFactors.of(site, tensors);
    }
}
