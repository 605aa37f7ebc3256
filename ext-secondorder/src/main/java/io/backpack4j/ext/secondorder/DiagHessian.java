package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/**
 * The diagonal of the Hessian: diag ∇²_θ L, {@code *p}. It is that of the generalised Gauss-Newton matrix and, for every non-linear node above
 * the parameter, the squares of weighted columns that start there (Dangel, Kunstner, Hennig 2020, appendix A.3). Needs modules with a
 * {@link io.backpack4j.spi.module.Evaluation#curvature rule for their second derivative}, and parameters that are used once.
 */
public record DiagHessian() implements TensorExtension {

    private static final String GGN = "generalised Gauss-Newton";
    private static final String RESIDUAL = "residual";

    @Override
    public String resultName() {
        return "diag_h";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(GGN, new LossHessianRoot(), new Contraction.SumOfSquares());
        site.accumulate(RESIDUAL, new ResidualCurvature(), new Contraction.SumOfSquares());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        Tensor ggn = partial.tensor(GGN);
        Tensor diagonal = partial.scope().allocate(ggn.shape(), ggn.dtype());
        partial.backend().elementwise().combine(BinaryOperation.ADD, ggn, partial.tensor(RESIDUAL), diagonal);
        return diagonal;
    }
}
