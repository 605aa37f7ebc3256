// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/** Σ_n (g_n − ḡ)², element by element, {@code [*p]}. */
record CentredSquares() implements TensorExtension {

    private static final String KEY = "moments";

    @Override
    public String resultName() {
        return "centred_squares";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new LossGradient(), new Contraction.Moments());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.centredSquares(KEY);
    }
}
