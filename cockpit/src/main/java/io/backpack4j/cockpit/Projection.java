// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Tensor;

/**
 * ⟨g_n, u⟩, {@code [1, 1, N]}, u being an operand of the run at every parameter.
 *
 * @param operand the operand's name; its shape is {@code [1, *p]}
 */
record Projection(String operand) implements TensorExtension {

    private static final String KEY = "projection";

    /** On the update behind which the pass is. */
    static final Projection ON_UPDATE = new Projection("cockpit-update");

    /** On what a planned update has beside the gradient. */
    static final Projection ON_REST = new Projection("cockpit-rest");

    @Override
    public String resultName() {
        return operand;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Operand vector = site.operand(operand, site.shape().prepend(1));
        site.accumulate(KEY, new LossGradient(), new Contraction.Dot(vector, 1));
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }
}
