// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * Kronecker factors of the Fisher matrix's blocks, from drawn targets: block ≈ G ⊗ A. Martens and Grosse (2015),
 * "Optimizing Neural Networks with Kronecker-factored Approximate Curvature"; Grosse and Martens (2016) for
 * convolutions.
 *
 * <p>With inputs a and cotangents d of the reduced loss at drawn targets, scaled to c ∇²ℓ in expectation, A = 1/N Σ_n a
 * aᵀ and G = Σ_mn d dᵀ; {@link KroneckerConvention} says what positions that share a weight do. A parameter without an
 * input side has its exact block.
 *
 * @param mcSamples M, the number of draws per sample; without meaning for the empirical Fisher matrix
 * @param fisher which Fisher matrix
 * @param convention what positions do, the layer's default if empty
 */
public record KFAC(int mcSamples, Fisher fisher, Optional<KroneckerConvention> convention)
        implements CurvatureExtension<KroneckerFactors> {

    public KFAC {
        if (mcSamples < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Option 'mc_samples' of KFAC is %d, but must be at least 1.".formatted(mcSamples));
        }
    }

    /** With one draw per sample. */
    public KFAC() {
        this(1);
    }

    /** With some draws per sample. */
    public KFAC(int mcSamples) {
        this(mcSamples, Fisher.MC, Optional.empty());
    }

    /** Of the empirical Fisher matrix. */
    public static KFAC empirical() {
        return new KFAC(1, Fisher.EMPIRICAL, Optional.empty());
    }

    @Override
    public String resultName() {
        return "kfac";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        KroneckerRequests.declare(
                site, fisher == Fisher.MC ? new SampledLossGradient(mcSamples) : new LossGradient(), convention);
    }

    /** Gradients g_n of the reduced loss make (1/c) Σ g_n g_nᵀ = c Σ ∇ℓ_n ∇ℓ_nᵀ. */
    @Override
    public KroneckerFactors finish(SitePartial partial) {
        return KroneckerRequests.finish(partial, fisher == Fisher.MC ? 1 : 1 / partial.normaliser());
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
