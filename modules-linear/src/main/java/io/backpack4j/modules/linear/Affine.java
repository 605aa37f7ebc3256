// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * y = scale · x + shift. Constants that differ from element to element are a frozen {@link Parameter}.
 *
 * @param scale a fixed number
 * @param shift a fixed number
 */
public record Affine(double scale, double shift) implements Module {

    public Affine {
        ModuleChecks.finite(type(), "scale", scale);
        ModuleChecks.finite(type(), "shift", shift);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(ModuleChecks.single(this, inputs)).shareJacobian();
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.of(outputAxes);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return ParameterlessEvaluation.ofOneInput(
                transformed(context, inputs.get(0), shift),
                (forward, tangents) -> transformed(forward, tangents, 0),
                (pullback, cotangents) -> transformed(pullback, cotangents, 0));
    }

    private Tensor transformed(EvaluationContext context, Tensor x, double offset) {
        Tensor result = context.scope().allocate(x.shape(), x.dtype());
        context.backend().elementwise().affine(x, scale, offset, result);
        return result;
    }
}
