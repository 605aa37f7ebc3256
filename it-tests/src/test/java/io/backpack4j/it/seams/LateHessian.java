// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/**
 * What non-linear nodes add to the diagonal of the Hessian, in a second walk in which nobody else wants the gradient.
 */
public record LateHessian(int when) implements TensorExtension {

    @Override
    public String resultName() {
        return "residual" + when;
    }

    @Override
    public int stages() {
        return when;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        if (stage == when) {
            site.accumulate("residual", new ResidualCurvature(), new Contraction.SumOfSquares());
        }
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor("residual");
    }
}
