// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * y = weight ⊙ (x − mean) / √(variance + eps) + bias, with mean and variance over a group of neighbouring channels and
 * all their positions; weight and bias are per channel, which is the first axis of a sample.
 *
 * @param numGroups the number of groups
 * @param numChannels the number of channels, a multiple of it
 * @param eps what is added to the variance
 * @param affine whether there are weight and bias
 */
public record GroupNorm(long numGroups, long numChannels, double eps, boolean affine) implements Module {

    public GroupNorm {
        ModuleChecks.positive(type(), "num_groups", numGroups);
        ModuleChecks.positive(type(), "num_channels", numChannels);
        Checks.eps(type(), eps);
        if (numChannels % numGroups != 0) {
            throw ModuleChecks.invalid(type(), "num_channels", numChannels, "a multiple of num_groups = " + numGroups);
        }
    }

    /** With eps 1e-5, weight and bias. */
    public GroupNorm(long numGroups, long numChannels) {
        this(numGroups, numChannels, 1e-5, true);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = Checks.channels(this, "num_channels", numChannels, inputs);
        return Checks.declare(sample, Shape.of(numChannels), affine, affine);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return NormEvaluation.ofChannels(context, inputs.get(0), numGroups, eps, parameters);
    }
}
