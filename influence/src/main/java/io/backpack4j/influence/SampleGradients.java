// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/** What each sample adds to the gradient, {@code [1, N, *p]}. */
record SampleGradients() implements TensorExtension {

    private static final String KEY = "gradients";

    @Override
    public String resultName() {
        return "influence_gradients";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new LossGradient(), new Contraction.PerSample());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }
}
