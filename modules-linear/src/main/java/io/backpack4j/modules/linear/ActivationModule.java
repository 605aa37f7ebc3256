// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.ElementwiseModule;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** An activation: keeps its output if that determines the derivative, else its input. */
interface ActivationModule extends ElementwiseModule {

    @Override
    default ModuleDeclaration declare(List<Shape> inputs) {
        ModuleDeclaration declaration = ModuleDeclaration.output(ModuleChecks.single(this, inputs));
        return activation().derivativeFromOutput() ? declaration.retainOutput() : declaration.retainInputs();
    }

    @Override
    default Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Activation activation = activation();
        Tensor input = inputs.get(0);
        Tensor output = context.scope().allocate(input.shape(), input.dtype());
        context.backend().elementwise().activation(activation, 0, input, output);
        Tensor saved = activation.derivativeFromOutput() ? output : input;
        // the Jacobian is diagonal, so it is its transpose
        ParameterlessEvaluation.LinearMap jacobian = (columnContext, columns) -> {
            Tensor result = columnContext.scope().allocate(columns.shape(), columns.dtype());
            columnContext.backend().elementwise().activationPullback(activation, saved, columns, result);
            return result;
        };
        return ParameterlessEvaluation.ofOneInput(
                output,
                jacobian,
                jacobian,
                activation.isPiecewiseLinear()
                        ? ParameterlessEvaluation.SecondDerivative.zero()
                        : new ActivationSecondDerivative(activation, saved));
    }
}
