// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.factored.ConvolutionFactors;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code Conv1d}, {@code Conv2d}, {@code Conv3d}: {@code [N, C, *in]} to {@code [N, O, *out]}. Output position t is the
 * sum of the inputs under the window at t, times the weight {@code [O, C/groups, *kernel]}, plus the bias {@code [O]}.
 * Padding is zeros.
 *
 * @param inChannels C
 * @param outChannels O
 * @param window kernel size, stride, padding before the input and dilation of every spatial axis
 * @param paddingBehind the padding behind the input; differs from that before it only where {@code 'same'} has an odd
 *     number to distribute
 * @param groups how many runs of neighbouring channels have weights of their own; divides C and O
 * @param bias whether there is a bias
 */
public record Conv(
        long inChannels, long outChannels, Window window, List<Long> paddingBehind, long groups, boolean bias)
        implements Module {

    public Conv {
        paddingBehind = List.copyOf(paddingBehind);
        String type = type(window);
        ModuleChecks.positive(type, "in_channels", inChannels);
        ModuleChecks.positive(type, "out_channels", outChannels);
        Convolving.checkGroups(type, groups, inChannels, outChannels);
        if (paddingBehind.size() != window.axes() || paddingBehind.stream().anyMatch(size -> size < 0)) {
            throw ModuleChecks.invalid(type, "padding", paddingBehind, "a number of at least 0 for each of the axes");
        }
    }

    /**
     * With stride and dilation 1, no padding, one group and a bias: PyTorch's defaults.
     *
     * @param axes 2 for {@code Conv2d}
     * @param kernelSize one number for all axes, or one for each
     */
    public static Conv of(int axes, long inChannels, long outChannels, long... kernelSize) {
        Window window = Convolving.window(axes, kernelSize);
        return new Conv(inChannels, outChannels, window, window.padding(), 1, true);
    }

    /** With other strides: one number for all axes, or one for each. */
    public Conv withStride(long... stride) {
        Window changed = Convolving.withStride(window, stride);
        return new Conv(inChannels, outChannels, changed, paddingBehind, groups, bias);
    }

    /** With other padding on both sides: one number for all axes, or one for each. */
    public Conv withPadding(long... padding) {
        Window changed = Convolving.withPadding(window, Spatial.each(axes(), padding));
        return new Conv(inChannels, outChannels, changed, changed.padding(), groups, bias);
    }

    /** With as much padding as keeps sizes as they are; stride 1 only. Set the dilation first. */
    public Conv withSamePadding() {
        if (window.stride().stream().anyMatch(step -> step != 1)) {
            throw ModuleChecks.invalid(
                    type(), "padding", "'same'", "a number with stride " + window.stride() + ": 'same' needs stride 1");
        }
        List<Long> before = new ArrayList<>();
        List<Long> behind = new ArrayList<>();
        for (int axis = 0; axis < axes(); axis++) {
            long total = window.reach(axis) - 1;
            before.add(total / 2);
            behind.add(total - total / 2);
        }
        return new Conv(inChannels, outChannels, Convolving.withPadding(window, before), behind, groups, bias);
    }

    /** With other dilations: one number for all axes, or one for each. */
    public Conv withDilation(long... dilation) {
        Window changed = Convolving.withDilation(window, dilation);
        return new Conv(inChannels, outChannels, changed, paddingBehind, groups, bias);
    }

    /** With another number of groups. */
    public Conv withGroups(long number) {
        return new Conv(inChannels, outChannels, window, paddingBehind, number, bias);
    }

    /** Without a bias. */
    public Conv withoutBias() {
        return new Conv(inChannels, outChannels, window, paddingBehind, groups, false);
    }

    private int axes() {
        return window.axes();
    }

    private static String type(Window window) {
        return "Conv" + window.axes() + "d";
    }

    @Override
    public String type() {
        return type(window);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        boolean same = !paddingBehind.equals(window.padding());
        Map<String, @Nullable Object> arguments = Convolving.arguments(inChannels, outChannels, window, groups, bias);
        if (same) {
            if (!equals(withSamePadding())) {
                throw new BackpackException(
                        CommonProblems.NOT_WRITABLE,
                        "%s pads by %s before and %s behind, which a model file cannot say. Put a Pad before it, and set its padding to 0."
                                .formatted(type(), window.padding(), paddingBehind));
            }
            arguments.put("padding", "same");
        }
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = Checks.channels(this, axes(), "in_channels", inChannels, inputs);
        Shape weight = Spatial.sample(inChannels / groups, window.kernel()).prepend(outChannels);
        return Convolving.declare(output(sample), weight, ConvolutionFactors.sizes(weight, groups), outChannels, bias);
    }

    private Shape output(Shape sample) {
        Shape output = Shape.of(outChannels);
        for (int axis = 0; axis < axes(); axis++) {
            long size = sample.size(axis + 1) + window.padding().get(axis) + paddingBehind.get(axis);
            if (window.reach(axis) > size) {
                throw Checks.windowTooLarge(this, window, axis, sample, size);
            }
            output = output.append((size - window.reach(axis)) / window.stride().get(axis) + 1);
        }
        return output;
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return ConvolutionEvaluation.of(
                context,
                window,
                false,
                inputs.get(0),
                parameters,
                output(inputs.get(0).shape().dropFirst(1)));
    }
}
