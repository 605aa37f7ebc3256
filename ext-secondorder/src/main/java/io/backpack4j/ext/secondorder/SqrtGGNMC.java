// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/**
 * A Monte-Carlo root of the generalised Gauss-Newton matrix: {@code [M, N, *p]}, or {@code [M, I, *p]} of I chosen
 * samples. In expectation it takes the place of {@link SqrtGGNExact}; column m of sample n is √(c/M) J_nᵀ ∇ℓ(f_n,
 * ỹ_nm).
 *
 * @param mcSamples M, the number of draws per sample
 * @param subsampling the positions in the batch that are wanted, from 0 on, in order, repetitions allowed; all if empty
 */
public record SqrtGGNMC(int mcSamples, Optional<List<Integer>> subsampling) implements TensorExtension {

    private static final String KEY = "columns";

    public SqrtGGNMC {
        mcSamples = new SampledLossGradient(mcSamples).samples();
        subsampling = Subsampling.checked(this, subsampling);
    }

    /** Of all samples, with one draw each. */
    public SqrtGGNMC() {
        this(1);
    }

    /** Of all samples. */
    public SqrtGGNMC(int mcSamples) {
        this(mcSamples, Optional.empty());
    }

    @Override
    public String resultName() {
        return "sqrt_ggn_mc";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Subsampling.requireWithin(this, subsampling, site.samples());
        site.accumulate(KEY, new SampledLossGradient(mcSamples), new Contraction.PerSample(subsampling));
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }

    @Override
    public MergeRule resultRule() {
        return subsampling.isEmpty() ? MergeRule.PER_COLUMN_AND_SAMPLE : MergeRule.NOT_MERGEABLE;
    }
}
