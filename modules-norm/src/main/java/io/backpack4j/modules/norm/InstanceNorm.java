// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import io.backpack4j.spi.RecordArguments;
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
 * y = weight ⊙ (x − mean) / √(variance + eps) + bias, with mean and variance over all positions of a channel, which is
 * the first axis of a sample. There are no running statistics, so training and evaluation are alike.
 *
 * @param axes the number of axes behind the channels, 1 to 3: {@code InstanceNorm2d} has two
 * @param numFeatures the number of channels
 * @param eps what is added to the variance
 * @param affine whether there are weight and bias
 */
public record InstanceNorm(int axes, long numFeatures, double eps, boolean affine) implements Module {

    public InstanceNorm {
        if (axes < 1 || axes > 3) {
            throw ModuleChecks.invalid("InstanceNorm", "axes", axes, "1, 2 or 3");
        }
        ModuleChecks.positive(type(axes), "num_features", numFeatures);
        Checks.eps(type(axes), eps);
    }

    private static String type(int axes) {
        return "InstanceNorm" + axes + "d";
    }

    @Override
    public String type() {
        return type(axes);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = RecordArguments.of(this, type());
        arguments.remove("axes");
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = Checks.channels(this, "num_features", numFeatures, inputs);
        if (sample.rank() != axes + 1) {
            throw ModuleChecks.mismatch(
                    this,
                    "takes samples with channels and %d more axes, but they have shape %s.".formatted(axes, sample));
        }
        if (sample.elements() == numFeatures) {
            throw ModuleChecks.mismatch(
                    this,
                    "normalises over the positions of a channel, but samples of shape %s have one: all outputs would be the bias."
                            .formatted(sample));
        }
        return Checks.declare(sample, Shape.of(numFeatures), affine, affine);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return NormEvaluation.ofChannels(context, inputs.get(0), numFeatures, eps, parameters);
    }
}
