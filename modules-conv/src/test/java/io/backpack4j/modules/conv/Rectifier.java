// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.ElementwiseModule;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** An activation as modules-linear has them, which this module does not know. */
record Rectifier(Activation activation) implements ElementwiseModule {

    static final Rectifier RELU = new Rectifier(Activation.of(Activation.Kind.RELU));

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(inputs.get(0)).retainOutput();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        Tensor output = context.scope().allocate(input.shape(), input.dtype());
        context.backend().elementwise().activation(activation, 0, input, output);
        ParameterlessEvaluation.LinearMap jacobian = (columnContext, columns) -> {
            Tensor result = columnContext.scope().allocate(columns.shape(), columns.dtype());
            columnContext.backend().elementwise().activationPullback(activation, output, columns, result);
            return result;
        };
        return ParameterlessEvaluation.ofOneInput(output, jacobian, jacobian);
    }
}
