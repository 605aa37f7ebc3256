package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.ElementwiseModule;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/** An activation: keeps its output if that determines the derivative, else its input. */
interface ActivationModule extends ElementwiseModule {

    @Override
    default ModuleDeclaration declare(List<Shape> inputs) {
        ModuleDeclaration declaration = ModuleDeclaration.output(Checks.single(this, inputs));
        return activation().derivativeFromOutput() ? declaration.retainOutput() : declaration.retainInputs();
    }

    @Override
    default Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Activation activation = activation();
        Tensor input = inputs.get(0);
        Tensor output = context.scope().allocate(input.shape(), input.dtype());
        context.backend().elementwise().activation(activation, 0, input, output);
        Tensor saved = activation.derivativeFromOutput() ? output : input;
        return new InputEvaluation(
                output,
                (pullback, cotangents, index) -> {
                    Tensor result = pullback.scope().allocate(cotangents.shape(), cotangents.dtype());
                    pullback.backend().elementwise().activationPullback(activation, saved, cotangents, result);
                    return result;
                },
                (second, cotangents) ->
                        activation.isPiecewiseLinear() ? Curvature.zero() : curvature(second, saved, cotangents));
    }

    private Curvature curvature(EvaluationContext context, Tensor saved, Tensor cotangents) {
        Tensor diagonal = context.scope().allocate(saved.shape(), saved.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            Tensor ofSamples = scope.view(cotangents, saved.shape());
            context.backend().elementwise().activationCurvature(activation(), saved, ofSamples, diagonal);
        }
        return new Curvature.Diagonal(diagonal);
    }
}
