package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;

/**
 * A matrix of second derivatives of the reduced loss by the parameters, known by its products. J_n being the Jacobian of the network at sample n, c the loss's
 * factor.
 */
public sealed interface CurvatureMatrix {

    /** The generalised Gauss-Newton matrix Σ_n J_nᵀ (c ∇²ℓ_n) J_n. */
    record GaussNewton() implements CurvatureMatrix {}

    /**
     * Its Monte-Carlo version Σ_n J_nᵀ (c/M Σ_m g_nm g_nmᵀ) J_n, g_nm being gradients of ℓ_n at drawn targets.
     *
     * @param samples M, the number of draws per sample
     */
    record SampledGaussNewton(int samples) implements CurvatureMatrix {
        public SampledGaussNewton {
            if (samples < 1) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "The number of Monte-Carlo samples is " + samples + ", but must be at least 1.");
            }
        }
    }

    /** The empirical Fisher matrix c Σ_n ∇ℓ_n ∇ℓ_nᵀ, of gradients by the parameters. */
    record EmpiricalFisher() implements CurvatureMatrix {}

    /** The Hessian. */
    record Hessian() implements CurvatureMatrix {}

    /**
     * The positive-curvature Hessian: the Gauss-Newton matrix, and for every node with the Jacobian J_n of its inputs by the parameters Σ_n J_nᵀ R_n⁺ J_n,
     * where R_n is what the node adds to the Hessian at its inputs and R_n⁺ its projection on the positive semidefinite matrices. Dangel, Harmeling, Hennig
     * (2020), "Modular Block-diagonal Curvature Approximations for Feedforward Architectures", section 3.
     *
     * @param projection how eigenvalues become non-negative
     */
    record PositiveCurvature(Projection projection) implements CurvatureMatrix {}

    /** How negative eigenvalues go away. */
    enum Projection {
        /** They become zero. */
        CLIP,
        /** They lose their sign. */
        ABS
    }
}
