// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * The diagonals of the Hessians of single samples: diag ∇²_θ c ℓ_n, {@code [N, *p]}. They add up to {@link
 * DiagHessian}.
 *
 * @param products as of {@link DiagHessian}, sample by sample: N times as many walks, each through a network with one
 *     sample
 */
public record BatchDiagHessian(boolean products) implements TensorExtension {

    /** Without products. */
    public BatchDiagHessian() {
        this(false);
    }

    @Override
    public String resultName() {
        return "diag_h_batch";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        HessianParts.declare(site, new Contraction.SumOfSquaresPerSample(), products, MergeRule.PER_SAMPLE);
    }

    @Override
    public Optional<String> insteadOfResidualCurvature() {
        return HessianParts.instead(type(), products);
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return HessianParts.diagonal(partial);
    }

    @Override
    public MergeRule resultRule() {
        return MergeRule.PER_SAMPLE;
    }
}
