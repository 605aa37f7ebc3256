// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.LossHessianRoot;
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
 * A root of the generalised Gauss-Newton matrix, a column per column of the loss's own root: F with FᵀF = Σ_n J_nᵀ (c
 * ∇²ℓ_n) J_n once columns and samples are one axis, {@code [V, N, *p]}, or {@code [V, I, *p]} of I chosen samples.
 * Columns, their order and signs are BackPACK's: for cross-entropy column v·Q + q is √c √p_v (onehot(v) − p) at
 * position q of Q, for losses of single outputs column i is that of output i. The factor of the reduction stays that of
 * the whole batch.
 *
 * @param subsampling the positions in the batch that are wanted, from 0 on, in order, repetitions allowed; all if empty
 */
public record SqrtGGNExact(Optional<List<Integer>> subsampling) implements TensorExtension {

    private static final String KEY = "columns";

    public SqrtGGNExact {
        subsampling = Subsampling.checked(this, subsampling);
    }

    /** Of all samples. */
    public SqrtGGNExact() {
        this(Optional.empty());
    }

    /** Of the samples at some positions. */
    public SqrtGGNExact(List<Integer> subsampling) {
        this(Optional.of(subsampling));
    }

    @Override
    public String resultName() {
        return "sqrt_ggn_exact";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Subsampling.requireWithin(this, subsampling, site.samples());
        site.accumulate(KEY, new LossHessianRoot(), new Contraction.PerSample(subsampling));
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
