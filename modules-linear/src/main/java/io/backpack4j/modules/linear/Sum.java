package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** y = x₀ + x₁ + …, of one or more inputs of equal shapes. */
public record Sum() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.atLeast(this, 1, inputs);
        return ModuleDeclaration.output(Checks.equal(this, inputs));
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.of(outputAxes);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor first = inputs.get(0);
        if (inputs.size() == 1) {
            return Identity.of(context, first);
        }
        Elementwise ops = context.backend().elementwise();
        Tensor output = context.scope().allocate(first.shape(), first.dtype());
        ops.combine(BinaryOperation.ADD, first, inputs.get(1), output);
        for (Tensor more : inputs.subList(2, inputs.size())) {
            ops.addScaled(1, more, output);
        }
        return new InputEvaluation(
                output, (pullback, cotangents, index) -> pullback.scope().view(cotangents, cotangents.shape()));
    }
}
