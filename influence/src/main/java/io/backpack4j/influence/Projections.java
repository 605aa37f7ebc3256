// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Tensor;

/**
 * ⟨v_k, g_n⟩ of what each sample adds to the gradient, {@code [K, 1, N]}, without storing g_n. The run brings the
 * vectors {@code [K, *p]}.
 *
 * @param count K
 */
record Projections(int count) implements TensorExtension {

    /** Operand: the vectors. */
    static final String VECTORS = "influence_vectors";

    private static final String KEY = "dots";

    @Override
    public String resultName() {
        return "influence_projections";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Operand vectors = site.operand(VECTORS, site.shape().prepend(count));
        site.accumulate(KEY, new LossGradient(), new Contraction.Dot(vectors, count));
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }
}
