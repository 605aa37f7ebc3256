// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code MaxPool1d}, {@code MaxPool2d}, {@code MaxPool3d}: the largest input under every window, channel by channel. Of
 * equal ones the first in row-major order counts; NaN is larger than any number.
 *
 * @param window kernel size, stride, padding (which is never the maximum) and dilation of every spatial axis
 * @param ceilMode whether windows that reach over the end count
 */
public record MaxPool(Window window, boolean ceilMode) implements Module {

    public MaxPool {
        PoolSizes.checkPadding(type(window), window);
    }

    /**
     * With strides as long as the window, no padding and dilation 1: PyTorch's defaults.
     *
     * @param axes 2 for {@code MaxPool2d}
     * @param kernelSize one number for all axes, or one for each
     */
    public static MaxPool of(int axes, long... kernelSize) {
        return new MaxPool(PoolSizes.window(axes, kernelSize), false);
    }

    private static String type(Window window) {
        return "MaxPool" + window.axes() + "d";
    }

    @Override
    public String type() {
        return type(window);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = WindowArguments.of(window);
        arguments.put("ceil_mode", ceilMode);
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(output(Checks.spatial(this, window.axes(), inputs)));
    }

    private Shape output(Shape sample) {
        return Spatial.sample(sample.size(0), PoolSizes.outputs(this, window, ceilMode, sample));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        return MaximumEvaluation.of(
                context,
                input,
                output(input.shape().dropFirst(1)),
                (output, indices) -> context.backend().pooling().maximum(window, input, output, indices));
    }
}
