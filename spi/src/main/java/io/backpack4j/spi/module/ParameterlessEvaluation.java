// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/**
 * The evaluation of a module without parameters, made of functions. Belongs to one thread.
 *
 * @param output the output, {@code [N, *out]}
 * @param jacobian how tangents go forward
 * @param transposed how cotangents come back
 * @param second the second derivative by the inputs
 */
public record ParameterlessEvaluation(
        Tensor output, Jacobian jacobian, TransposedJacobian transposed, SecondDerivative second)
        implements Evaluation {

    /** The Jacobian product by all inputs jointly. */
    @FunctionalInterface
    public interface Jacobian {

        /** As {@link Evaluation#pushforward}: {@code [V, N, *out]} in the context's scope. */
        Tensor push(EvaluationContext context, Tangents tangents);
    }

    /** The transposed Jacobian product by one input. */
    @FunctionalInterface
    public interface TransposedJacobian {

        /** Maps {@code [V, N, *out]} to {@code [V, N, *in]} in the context's scope. */
        Tensor pull(EvaluationContext context, Tensor cotangents, int input);
    }

    /** A linear map of V columns, the Jacobian by the only input or its transpose. */
    @FunctionalInterface
    public interface LinearMap {

        /**
         * Maps {@code [V, N, *]} to {@code [V, N, *]} in the context's scope; the result may share memory with {@code
         * columns}.
         */
        Tensor apply(EvaluationContext context, Tensor columns);
    }

    /** The second derivative by all inputs jointly. */
    public interface SecondDerivative {

        /** That of a module that is affine, or piecewise so. */
        static SecondDerivative zero() {
            return Zero.INSTANCE;
        }

        /** As {@link Evaluation#curvature}, of a module that has it. */
        Curvature curvature(EvaluationContext context, Tensor cotangents);

        /** As {@link Evaluation#pullbackTangent}. */
        PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents);
    }

    private enum Zero implements SecondDerivative {
        INSTANCE;

        @Override
        public Curvature curvature(EvaluationContext context, Tensor cotangents) {
            return Curvature.zero();
        }

        @Override
        public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
            return PullbackTangent.zero();
        }
    }

    /** Of a module that is affine in its inputs, or piecewise so. */
    public ParameterlessEvaluation(Tensor output, Jacobian jacobian, TransposedJacobian transposed) {
        this(output, jacobian, transposed, SecondDerivative.zero());
    }

    /** Of a module with one input that is affine, or piecewise so. */
    public static ParameterlessEvaluation ofOneInput(Tensor output, LinearMap jacobian, LinearMap transposed) {
        return ofOneInput(output, jacobian, transposed, SecondDerivative.zero());
    }

    /** Of a module with one input. */
    public static ParameterlessEvaluation ofOneInput(
            Tensor output, LinearMap jacobian, LinearMap transposed, SecondDerivative second) {
        // without parameters it is the input that moves
        return new ParameterlessEvaluation(
                output,
                (context, tangents) -> jacobian.apply(context, tangents.input(0).orElseThrow()),
                (context, cotangents, input) -> transposed.apply(context, cotangents),
                second);
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return input -> transposed.pull(context, cotangents, input);
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        return jacobian.push(context, tangents);
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return second.pullbackTangent(context, cotangents, tangents);
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return Optional.of(second.curvature(context, cotangents));
    }
}
