// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** y = x₀ ⊙ x₁ ⊙ …, of two or more inputs of equal shapes, up to axes of size one, which stretch. */
public record Mul() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.atLeast(this, 2, inputs);
        return ModuleDeclaration.output(Broadcast.output(this, inputs)).retainInputs();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        List<Tensor> factors = List.copyOf(inputs);
        List<Shape> samples = Checks.samples(inputs);
        Shape sample = Broadcast.output(this, samples);
        Shape batch = sample.prepend(factors.get(0).shape().size(0));
        Tensor output = product(context, context.scope(), factors.get(0), factors.subList(1, factors.size()), batch);
        return new ParameterlessEvaluation(
                output,
                (forward, tangents) ->
                        productRule(forward, tangents, factors, -1, batch).orElseThrow(),
                (pullback, cotangents, index) ->
                        pulled(pullback, cotangents, without(factors, index), samples.get(index)),
                new MulSecondDerivative(factors, sample));
    }

    private static Tensor pulled(EvaluationContext context, Tensor cotangents, List<Tensor> others, Shape input) {
        Shape full = cotangents.shape();
        if (full.dropFirst(2).equals(input)) {
            return product(context, context.scope(), cotangents, others, full);
        }
        try (TensorScope scope = context.backend().openScope()) {
            return Broadcast.reduced(
                    context, context.scope(), product(context, scope, cotangents, others, full), input);
        }
    }

    /** All factors but one. */
    static List<Tensor> without(List<Tensor> factors, int index) {
        List<Tensor> others = new ArrayList<>(factors);
        others.remove(index);
        return others;
    }

    /**
     * The product rule: Σ_j ẋ_j ⊙ (all factors but j), over the inputs that move.
     *
     * @param except an input that does not count, or −1
     * @param batch {@code [N, *out]}
     * @return {@code [V, N, *out]}; empty if nothing moves
     */
    static Optional<Tensor> productRule(
            EvaluationContext context, Tangents tangents, List<Tensor> factors, int except, Shape batch) {
        @Nullable Tensor sum = null;
        Shape shape = batch.prepend(tangents.columns());
        for (int j = 0; j < factors.size(); j++) {
            if (j == except || tangents.input(j).isEmpty()) {
                continue;
            }
            Tensor tangent = tangents.input(j).get();
            if (sum == null) {
                sum = product(context, context.scope(), tangent, without(factors, j), shape);
            } else {
                try (TensorScope scope = context.backend().openScope()) {
                    Tensor term = product(context, scope, tangent, without(factors, j), shape);
                    context.backend().elementwise().addScaled(1, term, sum);
                }
            }
        }
        return Optional.ofNullable(sum);
    }

    /** x times all factors, stretched to a shape; x may have axes in front of theirs. */
    static Tensor product(EvaluationContext context, TensorScope scope, Tensor x, List<Tensor> factors, Shape shape) {
        Tensor result = scope.allocate(shape, x.dtype());
        Broadcast.combineAll(context.backend().elementwise(), BinaryOperation.MULTIPLY, x, factors, result);
        return result;
    }
}
