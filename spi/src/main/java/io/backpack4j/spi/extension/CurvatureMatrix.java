// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * A matrix of second derivatives of the reduced loss by the parameters, known by its products Σ_n J_nᵀ H_n J_n t, and
 * by what nodes add to them. J_n being the Jacobian of the network at sample n, c the loss's factor. Implement as a
 * record: equal matrices are one.
 */
public interface CurvatureMatrix {

    /** Name in messages, such as {@code Gauss-Newton matrix}. */
    String name();

    /**
     * The products with what it has at the network's output: H_n t_vn, H_n being c ∇²ℓ_n or what stands for it.
     *
     * @param context its scope owns the result; {@code randomKey()} is that of the loss
     * @param normaliser the loss's factor c
     * @param tangents {@code [V, N, *out]}
     * @return {@code [V, N, *out]}
     * @throws BackpackException if the loss has no such products, saying what has
     */
    Tensor atLoss(EvaluationContext context, LossEvaluation loss, double normaliser, Tensor tangents);

    /** Whether nodes add the second derivatives of their outputs, weighted with the loss's gradient. */
    default boolean hasSecondDerivatives() {
        return false;
    }

    /** Projection of what a node adds to the Hessian at its inputs; empty, as by default, if nodes add nothing so. */
    default Optional<Projection> nodeProjection() {
        return Optional.empty();
    }

    /** Whether it is made of the gradients of single samples, which do not exist where samples influence each other. */
    default boolean needsSingleSamples() {
        return false;
    }

    /** Whether it is zero for a loss whose Hessian by the network's output is. */
    default boolean isZeroWithLossHessian() {
        return false;
    }

    /** The generalised Gauss-Newton matrix Σ_n J_nᵀ (c ∇²ℓ_n) J_n. */
    record GaussNewton() implements CurvatureMatrix {

        @Override
        public String name() {
            return "Gauss-Newton matrix";
        }

        @Override
        public Tensor atLoss(EvaluationContext context, LossEvaluation loss, double normaliser, Tensor tangents) {
            return LossProducts.withHessian(context, loss, tangents);
        }

        @Override
        public boolean isZeroWithLossHessian() {
            return true;
        }
    }

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

        @Override
        public String name() {
            return "Monte-Carlo Gauss-Newton matrix";
        }

        @Override
        public Tensor atLoss(EvaluationContext context, LossEvaluation loss, double normaliser, Tensor tangents) {
            LossSignal draws = new SampledLossGradient(samples);
            long count = draws.columns(loss);
            return LossProducts.withColumns(
                    context, count, (from, to) -> draws.seed(context, loss, from, to), tangents, 1);
        }

        @Override
        public boolean isZeroWithLossHessian() {
            return true;
        }
    }

    /** The empirical Fisher matrix c Σ_n ∇ℓ_n ∇ℓ_nᵀ, of gradients by the parameters. */
    record EmpiricalFisher() implements CurvatureMatrix {

        @Override
        public String name() {
            return "empirical Fisher matrix";
        }

        /** The loss's gradient is c ∇ℓ: twice is once too often. */
        @Override
        public Tensor atLoss(EvaluationContext context, LossEvaluation loss, double normaliser, Tensor tangents) {
            return LossProducts.withColumns(context, 1, (from, to) -> loss.gradient(), tangents, 1 / normaliser);
        }

        @Override
        public boolean needsSingleSamples() {
            return true;
        }
    }

    /** The Hessian. */
    record Hessian() implements CurvatureMatrix {

        @Override
        public String name() {
            return "Hessian";
        }

        @Override
        public Tensor atLoss(EvaluationContext context, LossEvaluation loss, double normaliser, Tensor tangents) {
            return LossProducts.withHessian(context, loss, tangents);
        }

        @Override
        public boolean hasSecondDerivatives() {
            return true;
        }
    }

    /**
     * The positive-curvature Hessian: the Gauss-Newton matrix, and for every node with the Jacobian J_n of its inputs
     * by the parameters Σ_n J_nᵀ R_n⁺ J_n, where R_n is what the node adds to the Hessian at its inputs and R_n⁺ its
     * projection on the positive semidefinite matrices. Dangel, Harmeling, Hennig (2020), "Modular Block-diagonal
     * Curvature Approximations for Feedforward Architectures", section 3.
     *
     * @param projection how eigenvalues become non-negative
     */
    record PositiveCurvature(Projection projection) implements CurvatureMatrix {

        @Override
        public String name() {
            return "positive-curvature Hessian";
        }

        @Override
        public Tensor atLoss(EvaluationContext context, LossEvaluation loss, double normaliser, Tensor tangents) {
            return LossProducts.withHessian(context, loss, tangents);
        }

        @Override
        public Optional<Projection> nodeProjection() {
            return Optional.of(projection);
        }
    }

    /** Way in which negative eigenvalues go away. */
    enum Projection {
        /** They become zero. */
        CLIP,
        /** They lose their sign. */
        ABS
    }
}
