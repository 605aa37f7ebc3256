// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** y = x₀ + x₁ + …, of one or more inputs of equal shapes, up to axes of size one, which stretch. */
public record Sum() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.atLeast(this, 1, inputs);
        return ModuleDeclaration.output(Broadcast.output(this, inputs)).shareJacobian();
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Broadcast.keeps(outputAxes, inputs) ? Optional.of(outputAxes) : Optional.empty();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        if (inputs.size() == 1) {
            return Identity.of(context, inputs.get(0));
        }
        List<Shape> samples = Checks.samples(inputs);
        return new LinearCombination(
                        Broadcast.output(this, samples), samples, Collections.nCopies(inputs.size(), false))
                .evaluate(context, inputs);
    }
}
