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
 * {@code AdaptiveAvgPool1d}, {@code AdaptiveAvgPool2d}, {@code AdaptiveAvgPool3d}: output position t of an axis is the
 * average of the inputs from ⌊t · in/out⌋ to ⌈(t + 1) · in/out⌉ − 1, channel by channel. Any sizes fit.
 *
 * @param outputSize the size of every spatial axis of the output; null keeps that of the input
 */
public record AdaptiveAvgPool(List<@Nullable Long> outputSize) implements Module {

    public AdaptiveAvgPool {
        outputSize = AdaptiveSizes.copy(type(outputSize), outputSize);
    }

    /**
     * With given sizes.
     *
     * @param axes 2 for {@code AdaptiveAvgPool2d}
     * @param outputSize one number for all axes, or one for each
     */
    public static AdaptiveAvgPool of(int axes, long... outputSize) {
        return new AdaptiveAvgPool(AdaptiveSizes.each(axes, outputSize));
    }

    private static String type(List<@Nullable Long> outputSize) {
        return "AdaptiveAvgPool" + outputSize.size() + "d";
    }

    @Override
    public String type() {
        return type(outputSize);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(output(Checks.spatial(this, outputSize.size(), inputs)))
                .shareJacobian();
    }

    private Shape output(Shape sample) {
        return AdaptiveSizes.output(this, outputSize, sample);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        return Resampling.evaluate(context, input, output(input.shape().dropFirst(1)), AdaptiveAvgPool::weights);
    }

    private static Resampling.Weights weights(int axis, long output, long in, long out) {
        long from = output * in / out;
        long to = ((output + 1) * in + out - 1) / out;
        return Resampling.Weights.equal(from, to, 1.0 / (to - from));
    }
}
