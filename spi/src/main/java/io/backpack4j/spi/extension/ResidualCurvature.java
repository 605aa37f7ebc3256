// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Curvature;

/**
 * What the non-linear nodes above a parameter add to the generalised Gauss-Newton matrix so that it becomes the
 * Hessian: at a node with output y and the loss's gradient g there, Σ_o g_o ∇²y_o, pulled back through the nodes below
 * (Dangel, Kunstner, Hennig 2020, appendix A.3; Mizutani, Dreyfus 2008). Every such node sends {@link Curvature#columns
 * weighted columns} of its own, so only contractions that sum weighted squares over columns have a meaning: {@link
 * Contraction.SumOfSquares} and {@link Contraction.SumOfSquaresPerSample}.
 *
 * <p>With the exact root of the loss's Hessian it makes the Hessian of a parameter that is used once, by a module that
 * is affine in it.
 */
public record ResidualCurvature() implements Signal {

    @Override
    public String name() {
        return "curvature of non-linear nodes";
    }

    /** A column with the root of its weight's magnitude. */
    @Override
    public double degree() {
        return 0.5;
    }
}
