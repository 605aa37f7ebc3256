package io.backpack4j.modules.conv;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
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
 * {@code BatchNorm1d} (samples {@code [C]} or {@code [C, L]}), {@code BatchNorm2d}, {@code BatchNorm3d}: y = weight · (x − mean) / √(variance + eps) + bias,
 * channel by channel.
 *
 * <p>In eval mode mean and variance are the buffers {@code running_mean} and {@code running_var}, and samples are treated alone. In train mode,
 * or without buffers, they are those of the batch, over samples and positions: then samples are coupled, and there is a gradient, but
 * nothing of single samples. A pass changes no numbers: the buffers stay as they are in train mode too, so {@code momentum} has no effect.
 *
 * @param axes the number of spatial axes of the type's name
 * @param numFeatures C
 * @param eps added to the variance
 * @param momentum accepted because PyTorch has it
 * @param affine whether there are a weight and a bias
 * @param trackRunningStats whether there are buffers
 * @param mode whether the batch or the buffers say mean and variance
 */
public record BatchNorm(
        int axes, long numFeatures, double eps, double momentum, boolean affine, boolean trackRunningStats, Mode mode)
        implements Module {

    static final String WEIGHT = "weight";
    static final String BIAS = "bias";
    static final String MEAN = "running_mean";
    static final String VARIANCE = "running_var";

    /** Where mean and variance come from. */
    public enum Mode {
        /** From the batch. */
        TRAIN,
        /** From the buffers. */
        EVAL
    }

    public BatchNorm {
        String type = type(axes);
        ModuleChecks.positive(type, "num_features", numFeatures);
        ModuleChecks.finite(type, "eps", eps);
        ModuleChecks.finite(type, "momentum", momentum);
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
                    .parameter(ParameterSpec.buffer(VARIANCE, channels, ones));
        }
        if (usesBatch()) {
            return declaration.coupleSamples();
        }
        // A weight's Jacobian is the normalised input.
        return affine ? declaration : declaration.shareJacobian();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Shape shape = inputs.get(0).shape();
        long perChannel = shape.size(1) == 0 ? 0 : shape.elements() / shape.size(1);
        if (usesBatch() && perChannel == 1) {
            throw new BackpackException(
                    "TooFewSamples",
                    "%s normalises with the mean and the variance of the batch, but there is one number per channel, in a batch of shape %s. Use more samples, or its eval mode with running statistics (\"mode\": \"eval\" in a model file)."
                            .formatted(type(), shape));
        }
        return BatchNormEvaluation.of(this, context, inputs.get(0), parameters);
    }
}
