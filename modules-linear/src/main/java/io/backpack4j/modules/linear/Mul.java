package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

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
        return new InputEvaluation(
                output,
                (pullback, cotangents, index) -> {
                    List<Tensor> others = new ArrayList<>(factors);
                    others.remove(index);
                    return product(pullback, cotangents, others);
                },
                (second, cotangents) -> new MulCurvature(factors.size(), couplings(second, factors, cotangents)));
    }

    /** The gradient times all factors but two, for every pair of inputs. */
    private static List<Tensor> couplings(EvaluationContext context, List<Tensor> factors, Tensor cotangents) {
        List<Tensor> couplings = new ArrayList<>();
        Tensor gradient = context.scope().view(cotangents, factors.get(0).shape());
        for (int first = 0; first < factors.size(); first++) {
            for (int second = first + 1; second < factors.size(); second++) {
                List<Tensor> others = new ArrayList<>(factors);
                others.remove(second);
                others.remove(first);
                couplings.add(others.isEmpty() ? gradient : product(context, gradient, others));
            }
        }
        return couplings;
    }

    /** x times all factors; x may have axes in front of theirs. */
    private static Tensor product(EvaluationContext context, Tensor x, List<Tensor> factors) {
        Tensor result = context.scope().allocate(x.shape(), x.dtype());
        Tensor current = x;
        for (Tensor factor : factors) {
            context.backend().elementwise().combine(BinaryOperation.MULTIPLY, current, factor, result);
            current = result;
        }
        return result;
    }
}
