// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.SampledLossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A Monte-Carlo estimate of {@link BatchDiagGGNExact}, {@code [N, *p]}. With equal {@code mcSamples} its draws are
 * those of {@link DiagGGNMC}.
 *
 * @param mcSamples M, the number of draws per sample
 */
public record BatchDiagGGNMC(int mcSamples) implements TensorExtension {

    private static final String KEY = "diagonal";

    public BatchDiagGGNMC {
        mcSamples = new SampledLossGradient(mcSamples).samples();
    }

    /** With one draw per sample. */
    public BatchDiagGGNMC() {
        this(1);
    }

    @Override
    public String resultName() {
        return "diag_ggn_mc_batch";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new SampledLossGradient(mcSamples), new Contraction.SumOfSquaresPerSample());
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
