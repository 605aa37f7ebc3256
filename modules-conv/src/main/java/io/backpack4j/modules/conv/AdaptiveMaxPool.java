// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

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
 * {@code AdaptiveMaxPool1d}, {@code AdaptiveMaxPool2d}, {@code AdaptiveMaxPool3d}: output position t of an axis is the
 * maximum of the inputs from ⌊t · in/out⌋ to ⌈(t + 1) · in/out⌉ − 1, channel by channel. Any sizes fit.
 *
 * @param outputSize the size of every spatial axis of the output; null keeps that of the input
 */
public record AdaptiveMaxPool(List<@Nullable Long> outputSize) implements Module {

    public AdaptiveMaxPool {
        outputSize = AdaptiveSizes.copy(type(outputSize), outputSize);
    }

    /**
     * With given sizes.
     *
     * @param axes 2 for {@code AdaptiveMaxPool2d}
     * @param outputSize one number for all axes, or one for each
     */
    public static AdaptiveMaxPool of(int axes, long... outputSize) {
        return new AdaptiveMaxPool(AdaptiveSizes.each(axes, outputSize));
    }

    private static String type(List<@Nullable Long> outputSize) {
        return "AdaptiveMaxPool" + outputSize.size() + "d";
    }

    @Override
    public String type() {
        return type(outputSize);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(output(Checks.spatial(this, outputSize.size(), inputs)));
    }

    private Shape output(Shape sample) {
        return AdaptiveSizes.output(this, outputSize, sample);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        return MaximumEvaluation.of(
                context,
                input,
                output(input.shape().dropFirst(1)),
                (output, indices) -> context.backend().pooling().adaptiveMaximum(input, output, indices));
    }
}
