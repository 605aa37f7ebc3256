// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix;

/**
 * The empirical Fisher matrix c Σ_n ∇ℓ_n ∇ℓ_nᵀ of gradients by parameters. Symmetric, positive semidefinite, of rank N
 * at most.
 */
public final class EmpiricalFisherOperator extends CurvatureOperator {

    private EmpiricalFisherOperator(Objective objective) {
        super(objective, new CurvatureMatrix.EmpiricalFisher());
    }

    /**
     * Linearises the model at every batch.
     *
     * @throws BackpackException if something does not fit
     */
    public static EmpiricalFisherOperator of(Objective objective) {
        return new EmpiricalFisherOperator(objective);
    }
}
