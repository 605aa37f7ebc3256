// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * The diagonal of the Hessian: diag ∇²_θ L, {@code *p}. It is that of the generalised Gauss-Newton matrix and, for
 * every non-linear node above the parameter, the squares of weighted columns that start there (Dangel, Kunstner, Hennig
 * 2020, appendix A.3). That needs modules with a {@link io.backpack4j.spi.module.Evaluation#curvature rule for their
 * second derivative}, and parameters that are used once.
 *
 * @param products whether other parameters have their diagonals too, from products of the Hessian with unit vectors:
 *     exact, and a walk forward and back for every element, whose number the plan says
 */
public record DiagHessian(boolean products) implements TensorExtension, CurvatureExtension<Tensor> {

    /** Without products. */
    public DiagHessian() {
        this(false);
    }

    @Override
    public String resultName() {
        return "diag_h";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        HessianParts.declare(site, new Contraction.SumOfSquares(), products, MergeRule.SUM);
    }

    @Override
    public Optional<String> insteadOfResidualCurvature() {
        return HessianParts.instead(type(), products);
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return HessianParts.diagonal(partial);
    }

    @Override
    public CurvatureBlock blockOf(Site site, Map<String, Tensor> tensors) {
        return DiagonalBlock.of(site, tensors);
    }
}
