// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix;

/**
 * The Hessian of a loss by parameters; B. A. Pearlmutter (1994), "Fast Exact Multiplication by the Hessian". Symmetric,
 * in general indefinite.
 */
public final class HessianOperator extends CurvatureOperator {

    private HessianOperator(Objective objective) {
        super(objective, new CurvatureMatrix.Hessian());
    }

    /**
     * Linearises the model at every batch.
     *
     * @throws BackpackException if something does not fit
     */
    public static HessianOperator of(Objective objective) {
        return new HessianOperator(objective);
    }
}
