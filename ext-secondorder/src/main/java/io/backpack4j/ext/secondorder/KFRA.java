// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Kronecker factors from a curvature that is averaged over the samples at every node: block ≈ G ⊗ A with A = 1/N Σ_n a
 * aᵀ and G the averaged curvature at the layer's output, which follows H_below = (1/N) Σ_n J_nᵀ H J_n from H = Σ_n c
 * ∇²ℓ_n. Botev, Ritter, Barber (2017), "Practical Gauss-Newton Optimisation for Deep Learning".
 *
 * <p>It takes the square of every layer's size, the batch as a whole, and a chain: a fork, a merge or a tied parameter
 * is refused.
 *
 * @param convention what positions that share a weight do, the layer's default if empty
 */
public record KFRA(Optional<KroneckerConvention> convention) implements CurvatureExtension<KroneckerFactors> {

    /** With the layers' default conventions. */
    public KFRA() {
        this(Optional.empty());
    }

    @Override
    public String resultName() {
        return "kfra";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        KroneckerRequests.declare(site, new AveragedHessianRoot(), convention);
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
