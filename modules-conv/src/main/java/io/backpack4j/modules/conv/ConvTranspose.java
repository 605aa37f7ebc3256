// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.factored.ConvolutionFactors;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code ConvTranspose1d}, {@code ConvTranspose2d}, {@code ConvTranspose3d}: {@code [N, C, *in]} to {@code [N, O,
 * *out]}, the transpose of the convolution whose window slides over the output. Every input is multiplied with the
 * weight {@code [C, O/groups, *kernel]} and added to what lies under its window; then comes the bias {@code [O]}.
 *
 * @param inChannels C
 * @param outChannels O
 * @param window kernel size, stride, padding (how much is cut off the output on both sides) and dilation of every
 *     spatial axis
 * @param outputPadding by how much the output is longer at its end; less than the stride or the dilation of that axis
 * @param groups how many runs of neighbouring channels have weights of their own; divides C and O
 * @param bias whether there is a bias
 */
public record ConvTranspose(
        long inChannels, long outChannels, Window window, List<Long> outputPadding, long groups, boolean bias)
        implements Module {

    public ConvTranspose {
        outputPadding = List.copyOf(outputPadding);
        String type = type(window);
        ModuleChecks.positive(type, "in_channels", inChannels);
        ModuleChecks.positive(type, "out_channels", outChannels);
        Convolving.checkGroups(type, groups, inChannels, outChannels);
        checkOutputPadding(type, window, outputPadding);
    }

    private static void checkOutputPadding(String type, Window window, List<Long> outputPadding) {
        boolean fits = outputPadding.size() == window.axes();
        for (int axis = 0; fits && axis < window.axes(); axis++) {
            long bound = Math.max(window.stride().get(axis), window.dilation().get(axis));
            fits = outputPadding.get(axis) >= 0 && outputPadding.get(axis) < bound;
        }
        if (!fits) {
            throw ModuleChecks.invalid(
                    type,
                    "output_padding",
                    outputPadding,
                    "at least 0 and less than stride = %s or dilation = %s, axis by axis"
                            .formatted(window.stride(), window.dilation()));
        }
    }

    /**
     * With stride and dilation 1, no padding, one group and a bias: PyTorch's defaults.
     *
     * @param axes 2 for {@code ConvTranspose2d}
     * @param kernelSize one number for all axes, or one for each
     */
    public static ConvTranspose of(int axes, long inChannels, long outChannels, long... kernelSize) {
        Window window = Convolving.window(axes, kernelSize);
        return new ConvTranspose(inChannels, outChannels, window, Spatial.each(axes, 0), 1, true);
    }

    /** With other strides: one number for all axes, or one for each. */
    public ConvTranspose withStride(long... stride) {
        return with(Convolving.withStride(window, stride));
    }

    /** With another padding: one number for all axes, or one for each. */
    public ConvTranspose withPadding(long... padding) {
        return with(Convolving.withPadding(window, Spatial.each(window.axes(), padding)));
    }

    /** With other dilations: one number for all axes, or one for each. */
    public ConvTranspose withDilation(long... dilation) {
        return with(Convolving.withDilation(window, dilation));
    }

    /** With another padding of the output: one number for all axes, or one for each. Set stride and dilation first. */
    public ConvTranspose withOutputPadding(long... padding) {
        return new ConvTranspose(inChannels, outChannels, window, Spatial.each(window.axes(), padding), groups, bias);
    }

    /** With another number of groups. */
    public ConvTranspose withGroups(long number) {
        return new ConvTranspose(inChannels, outChannels, window, outputPadding, number, bias);
    }

    /** Without a bias. */
    public ConvTranspose withoutBias() {
        return new ConvTranspose(inChannels, outChannels, window, outputPadding, groups, false);
    }

    private ConvTranspose with(Window changed) {
        return new ConvTranspose(inChannels, outChannels, changed, outputPadding, groups, bias);
    }

    private static String type(Window window) {
        return "ConvTranspose" + window.axes() + "d";
    }

    @Override
    public String type() {
        return type(window);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = Convolving.arguments(inChannels, outChannels, window, groups, bias);
        arguments.put("output_padding", outputPadding);
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = Checks.channels(this, window.axes(), "in_channels", inChannels, inputs);
        Shape weight = Spatial.sample(outChannels / groups, window.kernel()).prepend(inChannels);
        return Convolving.declare(
                output(sample), weight, ConvolutionFactors.transposedSizes(weight, groups), outChannels, bias);
    }

    private Shape output(Shape sample) {
        Shape output = Shape.of(outChannels);
        for (int axis = 0; axis < window.axes(); axis++) {
            long size = (sample.size(axis + 1) - 1) * window.stride().get(axis)
                    - 2 * window.padding().get(axis)
                    + window.reach(axis)
                    + outputPadding.get(axis);
            if (sample.size(axis + 1) < 1 || size < 1) {
                throw ModuleChecks.mismatch(
                        this,
                        "with kernel_size %s, stride %s, padding %s and dilation %s makes %d elements of axis %d of samples of shape %s, but must make at least 1. Possible are less padding, or a larger kernel_size."
                                .formatted(
                                        window.kernel(),
                                        window.stride(),
                                        window.padding(),
                                        window.dilation(),
                                        Math.max(0, size),
                                        axis + 2,
                                        sample));
            }
            output = output.append(size);
        }
        return output;
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape output = output(inputs.get(0).shape().dropFirst(1));
        return ConvolutionEvaluation.of(context, window, true, inputs.get(0), parameters, output);
    }
}
