// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code BatchNorm1d} (samples {@code [C]} or {@code [C, L]}), {@code BatchNorm2d}, {@code BatchNorm3d}: y = weight ·
 * (x − mean) / √(variance + eps) + bias, channel by channel.
 *
 * <p>In eval mode mean and variance are the buffers {@code running_mean} and {@code running_var}, and samples are
 * treated alone. In train mode, or without buffers, they are those of the batch, over samples and positions: then
 * samples are coupled, and there is a gradient, but nothing of single samples, unless mean and variance are taken as
 * constants ({@link #withConstantStatistics}).
 *
 * <p>A pass in train mode moves the buffers, by momentum, to the batch's mean and variance, the latter with the divisor
 * M − 1 for M numbers, although it normalises with the divisor M; and it counts the batch in {@code
 * num_batches_tracked}.
 *
 * @param axes the number of spatial axes of the type's name
 * @param numFeatures C
 * @param eps added to the variance
 * @param momentum the weight of the batch in the buffers' update; null for the average of all batches so far
 * @param affine whether there are a weight and a bias
 * @param trackRunningStats whether there are buffers
 * @param mode whether the batch or the buffers say mean and variance
 */
public record BatchNorm(
        int axes,
        long numFeatures,
        double eps,
        @Nullable Double momentum,
        boolean affine,
        boolean trackRunningStats,
        Mode mode)
        implements Module {

    static final String WEIGHT = "weight";
    static final String BIAS = "bias";
    static final String MEAN = "running_mean";
    static final String VARIANCE = "running_var";
    static final String BATCHES = "num_batches_tracked";

    public BatchNorm {
        String type = type(axes);
        ModuleChecks.positive(type, "num_features", numFeatures);
        ModuleChecks.finite(type, "eps", eps);
        if (momentum != null) {
            ModuleChecks.finite(type, "momentum", momentum);
        }
        if (eps < 0) {
            throw ModuleChecks.invalid(type, "eps", eps, "at least 0");
        }
    }

    /**
     * With PyTorch's defaults.
     *
     * @param axes 2 for {@code BatchNorm2d}
     */
    public static BatchNorm of(int axes, long numFeatures, Mode mode) {
        return new BatchNorm(axes, numFeatures, 1e-5, 0.1, true, true, mode);
    }

    private static String type(int axes) {
        return "BatchNorm" + axes + "d";
    }

    @Override
    public String type() {
        return type(axes);
    }

    @Override
    public BatchNorm inMode(Mode other) {
        return new BatchNorm(axes, numFeatures, eps, momentum, affine, trackRunningStats, other);
    }

    @Override
    public Module withConstantStatistics() {
        return usesBatch() ? new ConstantBatchNorm(this) : this;
    }

    boolean usesBatch() {
        return mode == Mode.TRAIN || !trackRunningStats;
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = RecordArguments.of(this, type());
        arguments.remove("axes");
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return declare(inputs, usesBatch());
    }

    /** @param coupled whether derivatives go through the batch's mean and variance */
    ModuleDeclaration declare(List<Shape> inputs, boolean coupled) {
        boolean vector = axes == 1 && !inputs.isEmpty() && inputs.get(0).rank() == 1;
        Shape sample = Checks.channels(this, vector ? 0 : axes, "num_features", numFeatures, inputs);
        ModuleDeclaration declaration = ModuleDeclaration.output(sample);
        Shape channels = Shape.of(numFeatures);
        Initializer ones = new Initializer.Constant(1);
        Initializer zeros = new Initializer.Constant(0);
        if (affine) {
            declaration = declaration
                    .parameter(ParameterSpec.parameter(WEIGHT, channels, ones))
                    .parameter(ParameterSpec.parameter(BIAS, channels, zeros));
        }
        if (trackRunningStats) {
            declaration = declaration
                    .parameter(ParameterSpec.buffer(MEAN, channels, zeros))
                    .parameter(ParameterSpec.buffer(VARIANCE, channels, ones))
                    .parameter(ParameterSpec.counter(BATCHES));
        }
        if (coupled) {
            return declaration.coupleSamples();
        }
        // A weight's Jacobian is the normalised input.
        return affine ? declaration : declaration.shareJacobian();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return evaluate(context, inputs, parameters, usesBatch());
    }

    /** @param coupled whether derivatives go through the batch's mean and variance */
    Evaluation evaluate(
            EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters, boolean coupled) {
        Shape shape = inputs.get(0).shape();
        long perChannel = shape.size(1) == 0 ? 0 : shape.elements() / shape.size(1);
        if (usesBatch() && perChannel == 1) {
            throw new BackpackException(
                    ConvolutionProblems.TOO_FEW_SAMPLES,
                    "%s normalises with the mean and the variance of the batch, but there is one number per channel, in a batch of shape %s. Use more samples, or its eval mode with running statistics (\"mode\": \"eval\" in a model file)."
                            .formatted(type(), shape));
        }
        return BatchNormEvaluation.of(this, coupled, context, inputs.get(0), parameters);
    }
}
