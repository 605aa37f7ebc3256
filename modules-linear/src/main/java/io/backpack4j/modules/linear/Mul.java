package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
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

/** y = x₀ ⊙ x₁ ⊙ …, of two or more inputs of equal shapes. */
public record Mul() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.atLeast(this, 2, inputs);
        return ModuleDeclaration.output(Checks.equal(this, inputs)).retainInputs();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        List<Tensor> factors = List.copyOf(inputs);
        Tensor output = product(context, factors.get(0), factors.subList(1, factors.size()));
        return new ParameterlessEvaluation(
                output,
                (forward, tangents) ->
                        productRule(forward, tangents, factors, -1).orElseThrow(),
                (pullback, cotangents, index) -> product(pullback, cotangents, without(factors, index)),
                new MulSecondDerivative(factors));
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
     * @return {@code [V, N, *in]}; empty if nothing moves
     */
    static Optional<Tensor> productRule(
            EvaluationContext context, Tangents tangents, List<Tensor> factors, int except) {
        @Nullable Tensor sum = null;
        for (int j = 0; j < factors.size(); j++) {
            if (j == except || tangents.input(j).isEmpty()) {
                continue;
            }
            Tensor tangent = tangents.input(j).get();
            if (sum == null) {
                sum = product(context, tangent, without(factors, j));
            } else {
                try (TensorScope scope = context.backend().openScope()) {
                    Tensor term = scope.allocate(tangent.shape(), tangent.dtype());
                    multiply(context.backend().elementwise(), tangent, without(factors, j), term);
                    context.backend().elementwise().addScaled(1, term, sum);
                }
            }
        }
        return Optional.ofNullable(sum);
    }

    /** x times all factors; x may have axes in front of theirs. */
    static Tensor product(EvaluationContext context, Tensor x, List<Tensor> factors) {
        Tensor result = context.scope().allocate(x.shape(), x.dtype());
        multiply(context.backend().elementwise(), x, factors, result);
        return result;
    }

    private static void multiply(Elementwise ops, Tensor x, List<Tensor> factors, Tensor destination) {
        Tensor current = x;
        for (Tensor factor : factors) {
            ops.combine(BinaryOperation.MULTIPLY, current, factor, destination);
            current = destination;
        }
    }
}
