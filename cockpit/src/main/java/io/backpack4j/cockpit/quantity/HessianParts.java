// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The sum of a contraction of the generalised Gauss-Newton matrix's columns and of those of what non-linear nodes add
 * to it: the diagonal of the Hessian, or its trace.
 *
 * @param contraction a sum of weighted squares over columns
 */
record HessianParts(Contraction contraction) implements TensorExtension {

    private static final String GGN = "generalised Gauss-Newton";
    private static final String RESIDUAL = "residual";

    @Override
    public String resultName() {
        return "Hessian" + contraction.getClass().getSimpleName();
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(GGN, new LossHessianRoot(), contraction);
        if (!site.residualCurvatureIsZero()) {
            site.accumulate(RESIDUAL, new ResidualCurvature(), contraction);
        }
    }

    @Override
    public Tensor finish(SitePartial partial) {
        Tensor ggn = partial.tensor(GGN);
        if (!partial.has(RESIDUAL)) {
            return ggn;
        }
        Tensor sum = partial.scope().allocate(ggn.shape(), ggn.dtype());
        partial.backend().elementwise().combine(BinaryOperation.ADD, ggn, partial.tensor(RESIDUAL), sum);
        return sum;
    }
}
