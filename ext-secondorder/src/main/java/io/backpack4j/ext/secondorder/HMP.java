// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.CurvatureMatrix;

/**
 * Products of vectors {@code [V, *p]} with the diagonal blocks of the Hessian of the reduced loss. Pearlmutter (1994),
 * "Fast Exact Multiplication by the Hessian". A product is that of the whole network with all other tangents zero.
 */
public record HMP() implements ProductExtension {

    @Override
    public String resultName() {
        return "hmp";
    }

    @Override
    public CurvatureMatrix matrix() {
        return new CurvatureMatrix.Hessian();
    }
}
