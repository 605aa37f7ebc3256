// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** y = x₀ / x₁, of inputs of equal shapes, up to axes of size one, which stretch. */
public record Div() implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.exactly(this, 2, inputs);
        return ModuleDeclaration.output(Broadcast.output(this, inputs))
                .retainInputs()
                .retainOutput();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        List<Shape> samples = Checks.samples(inputs);
        Shape shape =
                Broadcast.output(this, samples).prepend(inputs.get(0).shape().size(0));
        Elementwise ops = context.backend().elementwise();
        Tensor output = context.scope().allocate(shape, inputs.get(0).dtype());
        ops.combine(BinaryOperation.DIVIDE, inputs.get(0), inputs.get(1), output);
        Quotient quotient = new Quotient(inputs.get(1), output, samples);
        return new ParameterlessEvaluation(output, quotient::pushed, quotient::pulled, quotient);
    }
}
