// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import io.backpack4j.spi.extension.LossGradient;
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
 * The individual gradients g_n: {@code [N, *p]}, or {@code [I, *p]} of I chosen samples. The factor of the reduction
 * stays that of the whole batch.
 *
 * @param subsampling the positions in the batch that are wanted, from 0 on, in order, repetitions allowed; all if empty
 */
public record BatchGrad(Optional<List<Integer>> subsampling) implements TensorExtension {

    private static final String KEY = "gradients";

    public BatchGrad {
        subsampling = Subsampling.checked(this, subsampling);
    }

    /** Of all samples. */
    public BatchGrad() {
        this(Optional.empty());
    }

    /** Of the samples at some positions. */
    public BatchGrad(List<Integer> subsampling) {
        this(Optional.of(subsampling));
    }

    @Override
    public String resultName() {
        return "grad_batch";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Subsampling.requireWithin(this, subsampling, site.samples());
        site.accumulate(KEY, new LossGradient(), new Contraction.PerSample(subsampling));
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return Columns.only(partial, KEY);
    }

    @Override
    public MergeRule resultRule() {
        return subsampling.isEmpty() ? MergeRule.PER_SAMPLE : MergeRule.NOT_MERGEABLE;
    }
}
