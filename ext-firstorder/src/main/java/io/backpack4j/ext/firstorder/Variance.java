// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The variance of the individual gradients, divided by N and not by N − 1: (1/N) Σ_n (g_n − ḡ)² with ḡ = (1/N) Σ_n g_n,
 * element by element, {@code [*p]}. Never negative.
 */
public record Variance() implements TensorExtension {

    private static final String KEY = "moments";

    @Override
    public String resultName() {
        return "variance";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new LossGradient(), new Contraction.Moments());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        Tensor squares = partial.centredSquares(KEY);
        Tensor variance = partial.scope().allocate(squares.shape(), squares.dtype());
        partial.backend().elementwise().affine(squares, 1.0 / partial.count(KEY), 0, variance);
        return variance;
    }
}
