/**
 * Curvature matrices and Jacobians as linear operators, and what can be done with products alone: solve, find
 * eigenvalues, estimate traces.
 *
 * <p>Start at {@link io.backpack4j.operators.LinearOperator}, {@link io.backpack4j.operators.Objective} and {@link
 * io.backpack4j.operators.GgnOperator}; then {@link io.backpack4j.operators.ConjugateGradients}, {@link
 * io.backpack4j.operators.Lanczos} and {@link io.backpack4j.operators.Hutchinson}. Vectors are rows of tensors {@code
 * [V, P]}, in which parameters stand as a {@link io.backpack4j.operators.ParameterLayout} says. Everything here is used
 * by one thread at a time; equal seeds give equal numbers.
 *
 * <p>Matrices that are singular, indefinite or of any scale are no exception: what a solver returns says how far it can
 * be trusted (why it stopped, residuals that are calculated anew, how many eigenvalues there are), and powers of two in
 * front of an operator or a right-hand side change no digit.
 *
 * <p>Damped Newton directions, the sharpness and the trace of the Gauss-Newton matrix over two batches:
 *
 * <pre>{@code
 * Objective objective = Objective.of(backpack, model, first, second);
 * try (GgnOperator ggn = GgnOperator.exact(objective);
 *         TensorScope scope = backpack.backend().openScope()) {
 *     Tensor gradient = scope.allocate(Shape.of(1, ggn.columns()), ggn.dtype());
 *     ggn.layout().join(gradients, gradient); // [1, *p] by name
 *     var solution = ConjugateGradients.DEFAULT.damping(1e-3).tolerance(1e-5).solve(scope, ggn, gradient);
 *     Map<String, Tensor> step = ggn.layout().split(scope, solution.x());
 *     double sharpness = Lanczos.of(Lanczos.Which.LARGEST, 1).run(scope, ggn).values().get(0).value();
 *     Hutchinson.Estimate trace = Hutchinson.of(64).trace(ggn);
 * }
 * }</pre>
 */
@NullMarked
package io.backpack4j.operators;

import org.jspecify.annotations.NullMarked;
