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
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** y = x₀ + x₁ + …, of one or more inputs of equal shapes. */
public record Sum() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.atLeast(this, 1, inputs);
        return ModuleDeclaration.output(Checks.equal(this, inputs)).shareJacobian();
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.of(outputAxes);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        if (inputs.size() == 1) {
            return Identity.of(context, inputs.get(0));
        }
        return new ParameterlessEvaluation(
                added(context, inputs),
                Sum::pushed,
                (pullback, cotangents, index) -> pullback.scope().view(cotangents, cotangents.shape()));
    }

    /** The tangents of all inputs that move. */
    private static Tensor pushed(EvaluationContext context, Tangents tangents) {
        List<Tensor> moving =
                tangents.inputs().stream().flatMap(Optional::stream).toList();
        return moving.size() == 1
                ? context.scope().view(moving.get(0), moving.get(0).shape())
                : added(context, moving);
    }

    private static Tensor added(EvaluationContext context, List<Tensor> terms) {
        Elementwise ops = context.backend().elementwise();
        Tensor sum = context.scope().allocate(terms.get(0).shape(), terms.get(0).dtype());
        ops.combine(BinaryOperation.ADD, terms.get(0), terms.get(1), sum);
        for (Tensor more : terms.subList(2, terms.size())) {
            ops.addScaled(1, more, sum);
        }
        return sum;
    }
}
