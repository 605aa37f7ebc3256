package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/** The two parts of a Hessian: the generalised Gauss-Newton matrix, and what the non-linear nodes add. */
final class HessianParts {

    private static final String GGN = "generalised Gauss-Newton";
    private static final String RESIDUAL = "residual";

    private HessianParts() {}

    /** Asks for a contraction of both. */
    static void declare(SiteDeclaration site, Contraction contraction) {
        site.accumulate(GGN, new LossHessianRoot(), contraction);
        site.accumulate(RESIDUAL, new ResidualCurvature(), contraction);
    }

    /** Their sum. */
    static Tensor sum(SitePartial partial) {
        Tensor ggn = partial.tensor(GGN);
        Tensor sum = partial.scope().allocate(ggn.shape(), ggn.dtype());
        partial.backend().elementwise().combine(BinaryOperation.ADD, ggn, partial.tensor(RESIDUAL), sum);
        return sum;
    }
}
