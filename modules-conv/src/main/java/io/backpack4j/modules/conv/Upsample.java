// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Other spatial sizes, channel by channel, by PyTorch's rules for coordinates: a small matrix per axis. Output position
 * t of an axis lies at t · s, s being in/out or one over the scale factor, if the nearest input before it is taken;
 * between two inputs at (t + ½) s − ½, or at t (in − 1)/(out − 1) with aligned corners.
 *
 * @param size the spatial sizes of the output, one for all axes or one for each; null where there are scale factors
 * @param scaleFactor what the sizes are multiplied with, rounded down; null where there are sizes; one of both must be
 *     there as soon as the module is used
 * @param mode how inputs are combined
 * @param alignCorners whether the corners of input and output are at the same place; BILINEAR only
 */
public record Upsample(
        @Nullable List<Long> size, @Nullable List<Double> scaleFactor, Interpolation mode, boolean alignCorners)
        implements Module {

    /** How an output is made of inputs. */
    public enum Interpolation {
        /** The nearest input before its place, over one to three spatial axes. */
        NEAREST,
        /** The two neighbours of every axis, weighted by their distances, over two spatial axes. */
        BILINEAR
    }

    private static final int MOST_AXES = 3;

    public Upsample {
        if (size != null && scaleFactor != null) {
            throw ModuleChecks.invalid(type(), "size", size, "left out where scale_factor is given");
        }
        if (size != null) {
            size = List.copyOf(size);
            size.forEach(value -> ModuleChecks.positive(type(), "size", value));
        }
        if (scaleFactor != null) {
            scaleFactor = List.copyOf(scaleFactor);
            if (scaleFactor.stream().anyMatch(value -> !(value > 0 && Double.isFinite(value)))) {
                throw ModuleChecks.invalid(type(), "scale_factor", scaleFactor, "positive and finite");
            }
        }
        if (alignCorners && mode == Interpolation.NEAREST) {
            throw ModuleChecks.invalid(type(), "align_corners", true, "false, or left out, with mode=nearest");
        }
    }

    /** Sizes times a factor. */
    public static Upsample by(double scaleFactor, Interpolation mode) {
        return new Upsample(null, List.of(scaleFactor), mode, false);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put(size == null ? "scale_factor" : "size", size == null ? scaleFactor : size);
        arguments.put("mode", mode.name().toLowerCase(Locale.ROOT));
        if (mode == Interpolation.BILINEAR) {
            arguments.put("align_corners", alignCorners);
        }
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = ModuleChecks.single(this, inputs);
        if (size == null && scaleFactor == null) {
            throw ModuleChecks.mismatch(this, "needs size or scale_factor, of which neither is given.");
        }
        int axes = sample.rank() - 1;
        int given = size == null ? factors().size() : size.size();
        boolean fits = mode == Interpolation.BILINEAR ? axes == 2 : axes >= 1 && axes <= MOST_AXES;
        if (!fits || (given != 1 && given != axes)) {
            throw ModuleChecks.mismatch(
                    this,
                    "with mode=%s and %d numbers for %s does not fit samples of shape %s: it takes channels and %s, and one number or one for each of these axes."
                            .formatted(
                                    mode.name().toLowerCase(Locale.ROOT),
                                    given,
                                    size == null ? "scale_factor" : "size",
                                    sample,
                                    mode == Interpolation.BILINEAR ? "two spatial axes" : "one to three spatial axes"));
        }
        Shape output = output(sample);
        for (int axis = 1; axis < output.rank(); axis++) {
            if (output.size(axis) < 1 || sample.size(axis) < 1) {
                throw ModuleChecks.mismatch(
                        this, "makes samples of shape %s of %s, which is empty.".formatted(output, sample));
            }
        }
        return ModuleDeclaration.output(output).shareJacobian();
    }

    private Shape output(Shape sample) {
        Shape output = sample;
        for (int axis = 1; axis < sample.rank(); axis++) {
            long length = size == null
                    ? (long) Math.floor(sample.size(axis) * each(factors(), axis - 1))
                    : each(size, axis - 1);
            output = output.with(axis, length);
        }
        return output;
    }

    private List<Double> factors() {
        return scaleFactor == null ? List.of() : scaleFactor;
    }

    private static <T> T each(List<T> values, int axis) {
        return values.get(values.size() == 1 ? 0 : axis);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        return Resampling.evaluate(
                context,
                input,
                output(input.shape().dropFirst(1)),
                mode == Interpolation.NEAREST ? this::nearest : this::between);
    }

    /** The distance of neighbouring outputs, in inputs. */
    private double step(int axis, long in, long out) {
        return size == null ? 1 / each(factors(), axis) : (double) in / out;
    }

    private Resampling.Weights nearest(int axis, long output, long in, long out) {
        long from = Math.min((long) Math.floor(output * step(axis, in, out)), in - 1);
        return Resampling.Weights.equal(from, from + 1, 1);
    }

    private Resampling.Weights between(int axis, long output, long in, long out) {
        double place;
        if (alignCorners) {
            place = out == 1 ? 0 : output * ((in - 1.0) / (out - 1));
        } else {
            place = Math.max(0, (output + 0.5) * step(axis, in, out) - 0.5);
        }
        long from = Math.min((long) place, in - 1);
        double part = Math.min(1, place - from);
        return part == 0 || from == in - 1
                ? Resampling.Weights.equal(from, from + 1, 1)
                : new Resampling.Weights(from, List.of(1 - part, part));
    }
}
