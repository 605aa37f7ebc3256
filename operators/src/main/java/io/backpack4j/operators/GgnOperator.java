// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix;

/**
 * The generalised Gauss-Newton matrix Σ_n J_nᵀ (c ∇²ℓ_n) J_n of a loss by parameters; N. N. Schraudolph (2002), "Fast
 * Curvature Matrix-Vector Products for Second-Order Gradient Descent". Symmetric and, for convex losses, positive
 * semidefinite.
 */
public final class GgnOperator extends CurvatureOperator {

    private GgnOperator(Objective objective, CurvatureMatrix matrix) {
        super(objective, matrix);
    }

    /**
     * With the exact Hessian of the loss. Linearises the model at every batch.
     *
     * @throws BackpackException if something does not fit
     */
    public static GgnOperator exact(Objective objective) {
        return new GgnOperator(objective, new CurvatureMatrix.GaussNewton());
    }

    /**
     * With a Monte-Carlo estimate of it. The objective's seed fixes the draws: all products are with one matrix.
     *
     * @param samples the number of draws per sample, at least 1
     * @throws BackpackException if something does not fit
     */
    public static GgnOperator sampled(Objective objective, int samples) {
        return new GgnOperator(objective, new CurvatureMatrix.SampledGaussNewton(samples));
    }
}
