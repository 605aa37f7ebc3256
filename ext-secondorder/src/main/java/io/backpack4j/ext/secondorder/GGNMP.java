// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureMatrix;

/**
 * Products of vectors {@code [V, *p]} with the diagonal blocks of the generalised Gauss-Newton matrix Σ_n J_nᵀ (c
 * ∇²ℓ_n) J_n. Schraudolph (2002), "Fast Curvature Matrix-Vector Products for Second-Order Gradient Descent". A product
 * is that of the whole network with all other tangents zero.
 */
public record GGNMP() implements ProductExtension {

    @Override
    public String resultName() {
        return "ggnmp";
    }

    @Override
    public CurvatureMatrix matrix() {
        return new CurvatureMatrix.GaussNewton();
    }
}
