// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;

/** The squared norms of the individual gradients, per parameter: ‖g_n‖², {@code [N]}. */
public record BatchL2Grad() implements TensorExtension {

    private static final String KEY = "squared norms";

    @Override
    public String resultName() {
        return "batch_l2";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new LossGradient(), new Contraction.SquaredNorms());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return Columns.only(partial, KEY);
    }

    @Override
    public MergeRule resultRule() {
        return MergeRule.PER_SAMPLE;
    }
}
