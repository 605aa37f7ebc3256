// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * Diagonals of Hessians: of their two parts, the generalised Gauss-Newton matrix and what the non-linear nodes add, or
 * of products with unit vectors.
 */
final class HessianParts {

    private static final String GGN = "generalised Gauss-Newton";
    private static final String RESIDUAL = "residual";
    private static final String PRODUCTS = "products";

    private HessianParts() {}

    /**
     * Asks for a contraction of both, or for products.
     *
     * @param products whether the diagonal is made by products with unit vectors where the parts are not to be had
     * @param rule how diagonals of parts of the batch become one
     */
    static void declare(SiteDeclaration site, Contraction contraction, boolean products, MergeRule rule) {
        if (products && !site.hasResidualCurvature()) {
            site.diagonal(PRODUCTS, new CurvatureMatrix.Hessian(), rule);
            return;
        }
        site.accumulate(GGN, new LossHessianRoot(), contraction);
        if (!site.residualCurvatureIsZero()) {
            site.accumulate(RESIDUAL, new ResidualCurvature(), contraction);
        }
    }

    /** What to use where the parts are not to be had. */
    static Optional<String> instead(String extension, boolean products) {
        // With products, nobody asks for parts that are not there.
        return products
                ? Optional.empty()
                : Optional.of(
                        "Use %s(products=true), which is exact through products of the Hessian with unit vectors, or Hutchinson's estimate of the diagonal with a Hessian operator"
                                .formatted(extension));
    }

    /** The diagonal. */
    static Tensor diagonal(SitePartial partial) {
        if (partial.has(PRODUCTS)) {
            return partial.tensor(PRODUCTS);
        }
        Tensor ggn = partial.tensor(GGN);
        if (!partial.has(RESIDUAL)) {
            return ggn;
        }
        Tensor sum = partial.scope().allocate(ggn.shape(), ggn.dtype());
        partial.backend().elementwise().combine(BinaryOperation.ADD, ggn, partial.tensor(RESIDUAL), sum);
        return sum;
    }
}
