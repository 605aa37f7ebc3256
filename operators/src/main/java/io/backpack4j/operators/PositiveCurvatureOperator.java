// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix;

/**
 * The positive-curvature Hessian, see {@link CurvatureMatrix.PositiveCurvature}. Symmetric, for convex losses positive
 * semidefinite.
 */
public final class PositiveCurvatureOperator extends CurvatureOperator {

    private PositiveCurvatureOperator(Objective objective, CurvatureMatrix.Projection projection) {
        super(objective, new CurvatureMatrix.PositiveCurvature(projection));
    }

    /**
     * Linearises the model at every batch.
     *
     * @param projection how eigenvalues become non-negative
     * @throws BackpackException if something does not fit
     */
    public static PositiveCurvatureOperator of(Objective objective, CurvatureMatrix.Projection projection) {
        return new PositiveCurvatureOperator(objective, projection);
    }
}
