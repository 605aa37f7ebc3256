package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A convolution, or a transposed one, evaluated at an input. One is the input pullback of the other, so both share this code.
 *
 * @param input {@code [N, C, *in]}
 * @param output {@code [N, O, *out]}
 */
record ConvolutionEvaluation(
        Window window, boolean transposed, boolean hasBias, Tensor input, Tensor weight, Tensor output)
        implements Evaluation {

    static ConvolutionEvaluation of(
            EvaluationContext context,
            Window window,
            boolean transposed,
            Tensor input,
            Map<String, Tensor> parameters,
            Shape sampleOutput) {
        Tensor weight = Checks.parameter(parameters, Convolving.WEIGHT);
        Tensor bias = parameters.get(Convolving.BIAS);
        Shape shape = sampleOutput.prepend(input.shape().size(0));
        Tensor output = context.scope().allocate(shape, input.dtype());
        apply(context.backend().convolutions(), window, transposed, input, weight, bias, output);
        return new ConvolutionEvaluation(window, transposed, bias != null, input, weight, output);
    }

    /** A convolution, or its transpose. */
    static void apply(
            Convolutions convolutions,
            Window window,
            boolean transposed,
            Tensor x,
            Tensor weight,
            @Nullable Tensor bias,
            Tensor destination) {
        if (transposed) {
            convolutions.convolveTransposed(window, x, weight, bias, destination);
        } else {
            convolutions.convolve(window, x, weight, bias, destination);
        }
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new ConvolutionPullback(this, context, cotangents);
    }

    @Override
    public Curvature curvature(EvaluationContext context, Tensor cotangents) {
        return Curvature.zero();
    }
}
