package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/** The diagonals of the Hessians of single samples: diag ∇²_θ c ℓ_n, {@code [N, *p]}. They add up to {@link DiagHessian}. */
public record BatchDiagHessian() implements TensorExtension {

    private static final String GGN = "generalised Gauss-Newton";
    private static final String RESIDUAL = "residual";

    @Override
    public String resultName() {
        return "diag_h_batch";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(GGN, new LossHessianRoot(), new Contraction.SumOfSquaresPerSample());
        site.accumulate(RESIDUAL, new ResidualCurvature(), new Contraction.SumOfSquaresPerSample());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        Tensor ggn = partial.tensor(GGN);
        Tensor diagonal = partial.scope().allocate(ggn.shape(), ggn.dtype());
        partial.backend().elementwise().combine(BinaryOperation.ADD, ggn, partial.tensor(RESIDUAL), diagonal);
        return diagonal;
    }
}
