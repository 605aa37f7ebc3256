// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code AvgPool1d}, {@code AvgPool2d}, {@code AvgPool3d}: the sum of the inputs under every window, channel by
 * channel, over a divisor. That is the product of one number per axis, so averaging is a small matrix per axis.
 *
 * @param window kernel size, stride and padding of every spatial axis; dilation 1
 * @param ceilMode whether windows that reach over the end count
 * @param countIncludePad whether the divisor counts padding; never what lies behind it
 * @param divisorOverride the divisor, instead of counting; null to count
 */
public record AvgPool(
        Window window,
        boolean ceilMode,
        boolean countIncludePad,
        @Nullable Long divisorOverride) implements Module {

    public AvgPool {
        String type = type(window);
        PoolSizes.checkPadding(type, window);
        if (window.dilation().stream().anyMatch(step -> step != 1)) {
            throw ModuleChecks.invalid(type, "dilation", window.dilation(), "1 for every axis");
        }
        if (divisorOverride != null && divisorOverride == 0) {
            throw ModuleChecks.invalid(type, "divisor_override", divisorOverride, "another number");
        }
    }

    /**
     * With strides as long as the window and no padding: PyTorch's defaults.
     *
     * @param axes 2 for {@code AvgPool2d}
     * @param kernelSize one number for all axes, or one for each
     */
    public static AvgPool of(int axes, long... kernelSize) {
        return new AvgPool(PoolSizes.window(axes, kernelSize), false, true, null);
    }

    private static String type(Window window) {
        return "AvgPool" + window.axes() + "d";
    }

    @Override
    public String type() {
        return type(window);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = WindowArguments.of(window);
        arguments.remove("dilation");
        arguments.put("ceil_mode", ceilMode);
        arguments.put("count_include_pad", countIncludePad);
        if (divisorOverride != null) {
            arguments.put("divisor_override", divisorOverride);
        }
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(output(Checks.spatial(this, window.axes(), inputs)))
                .shareJacobian();
    }

    private Shape output(Shape sample) {
        return Spatial.sample(sample.size(0), PoolSizes.outputs(this, window, ceilMode, sample));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        return Resampling.evaluate(context, input, output(input.shape().dropFirst(1)), this::weights);
    }

    /** The inputs under one window of an axis, each with the weight 1/divisor. */
    private Resampling.Weights weights(int axis, long output, long in, long out) {
        long start = output * window.stride().get(axis) - window.padding().get(axis);
        long end = Math.min(
                start + window.kernel().get(axis), in + window.padding().get(axis));
        long from = Math.max(0, start);
        long to = Math.min(in, end);
        double divisor = countIncludePad ? end - start : to - from;
        if (divisorOverride != null) {
            divisor = axis == 0 ? divisorOverride : 1;
        }
        return Resampling.Weights.equal(from, to, 1 / divisor);
    }
}
