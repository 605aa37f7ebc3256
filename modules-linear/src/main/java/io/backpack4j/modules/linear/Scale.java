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
 * y = weight · x.
 *
 * @param weight a fixed number
 */
public record Scale(double weight) implements Module {

    public Scale {
        ModuleChecks.finite(type(), "weight", weight);
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
        return ParameterlessEvaluation.ofOneInput(scaled(context, inputs.get(0)), this::scaled, this::scaled);
    }

    private Tensor scaled(EvaluationContext context, Tensor x) {
        Tensor result = context.scope().allocate(x.shape(), x.dtype());
        context.backend().elementwise().affine(x, weight, 0, result);
        return result;
    }
}
