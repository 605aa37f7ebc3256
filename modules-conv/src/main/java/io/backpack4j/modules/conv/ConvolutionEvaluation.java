// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A convolution, or a transposed one, evaluated at an input. One is the input pullback of the other, so both share this
 * code.
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
        Tensor weight = ModuleChecks.parameter(parameters, Convolving.WEIGHT);
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

    /**
     * The weight gradients, of which either operand may have columns.
     *
     * @param cotangents {@code [*, O, *out]}
     * @param inputs {@code [*, C, *in]}
     */
    PerSampleConvolution weightGradients(Tensor cotangents, Tensor inputs) {
        return transposed
                ? new PerSampleConvolution(window, inputs, cotangents, weight.shape())
                : new PerSampleConvolution(window, cotangents, inputs, weight.shape());
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new ConvolutionPullback(this, context, cotangents);
    }

    /** ẋ convolved with the weight, plus x convolved with ẇ, plus ḃ, less what stands still. */
    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        Backend backend = context.backend();
        Optional<Tensor> inputs = tangents.input(0);
        Optional<Tensor> weights = tangents.parameter(Convolving.WEIGHT);
        Optional<Tensor> biases = tangents.parameter(Convolving.BIAS);
        Tensor result = context.scope().allocate(output.shape().prepend(tangents.columns()), output.dtype());
        try (TensorScope scope = backend.openScope()) {
            if (inputs.isPresent()) {
                Tensor rows = Spatial.joined(scope, inputs.get());
                apply(backend.convolutions(), window, transposed, rows, weight, null, Spatial.joined(scope, result));
            }
            if (weights.isPresent()) {
                pushWeights(backend, scope, weights.get(), inputs.isPresent(), result);
            }
            if (biases.isPresent()) {
                if (inputs.isEmpty() && weights.isEmpty()) {
                    backend.elementwise().fill(result, 0);
                }
                pushBiases(backend, scope, biases.get(), result);
            }
        }
        return result;
    }

    /**
     * x convolved with ẇ, one column after the other.
     *
     * @param weights {@code [V, *weight]}
     * @param accumulate whether it is added to the result
     */
    private void pushWeights(Backend backend, TensorScope scope, Tensor weights, boolean accumulate, Tensor result) {
        @Nullable Tensor image = accumulate ? scope.allocate(output.shape(), output.dtype()) : null;
        for (long v = 0; v < weights.shape().size(0); v++) {
            try (TensorScope step = backend.openScope()) {
                Tensor own = step.view(step.rows(weights, v, v + 1), weight.shape());
                Tensor target = step.view(step.rows(result, v, v + 1), output.shape());
                apply(backend.convolutions(), window, transposed, input, own, null, image == null ? target : image);
                if (image != null) {
                    backend.elementwise().addScaled(1, image, target);
                }
            }
        }
    }

    /** @param biases {@code [V, O]} */
    private static void pushBiases(Backend backend, TensorScope scope, Tensor biases, Tensor result) {
        Shape shape = result.shape();
        Tensor byChannel = scope.view(result, shape.slice(0, 3).append(shape.elements(3, shape.rank())));
        Tensor stretched = scope.view(biases, Shape.of(shape.size(0), 1, shape.size(2), 1));
        backend.elementwise().combine(BinaryOperation.ADD, byChannel, stretched, byChannel);
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        return new ConvolutionPullbackTangent(this, context, cotangents, tangents);
    }

    @Override
    public boolean isAffineInParameters() {
        return true;
    }

    @Override
    public Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return Optional.of(Curvature.zero());
    }
}
