// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureMatrix;
import java.util.Locale;

/**
 * Products of vectors {@code [V, *p]} with the diagonal blocks of the positive-curvature Hessian: what every non-linear
 * node adds to the Hessian at its inputs is projected on the positive semidefinite matrices. Dangel, Harmeling, Hennig
 * (2020), "Modular Block-diagonal Curvature Approximations for Feedforward Architectures".
 *
 * @param modify how negative curvature goes away
 */
public record PCHMP(CurvatureMatrix.Projection modify) implements ProductExtension {

    /** Negative curvature becomes zero. */
    public PCHMP() {
        this(CurvatureMatrix.Projection.CLIP);
    }

    @Override
    public String resultName() {
        return "pchmp_" + modify.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public CurvatureMatrix matrix() {
        return new CurvatureMatrix.PositiveCurvature(modify);
    }
}
