// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** y = x₀ − x₁, of inputs of equal shapes, up to axes of size one, which stretch. */
public record Sub() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.exactly(this, 2, inputs);
        return ModuleDeclaration.output(Broadcast.output(this, inputs)).shareJacobian();
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Broadcast.keeps(outputAxes, inputs) ? Optional.of(outputAxes) : Optional.empty();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        List<Shape> samples = Checks.samples(inputs);
        return new LinearCombination(Broadcast.output(this, samples), samples, List.of(false, true))
                .evaluate(context, inputs);
    }
}
