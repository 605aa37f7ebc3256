// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code Pad}, {@code ConstantPad1d} to {@code 3d}, {@code ZeroPad1d} to {@code 3d}: puts elements of one value before
 * and behind the axes of a sample, or cuts some off.
 *
 * @param type which of these it is
 * @param padding pairs of numbers in the order of PyTorch's {@code functional.pad}: before and behind the last axis,
 *     before and behind the one before that, and so on. Negative numbers cut off
 * @param value what is put there
 */
public record Pad(String type, List<Long> padding, double value) implements Module {

    private static final String PAD = "Pad";

    public Pad {
        padding = List.copyOf(padding);
        ModuleChecks.finite(type, "value", value);
        if (padding.size() % 2 != 0) {
            throw ModuleChecks.invalid(
                    type,
                    "padding",
                    padding,
                    "pairs of integers: before and behind the last axis, then the one before it");
        }
    }

    /** {@code Pad} with a value. */
    public Pad(List<Long> padding, double value) {
        this(PAD, padding, value);
    }

    /** {@code Pad} with zeros: before and behind the last axis, then the one before it, and so on. */
    public static Pad zeros(long... padding) {
        return new Pad(Spatial.each(padding.length, padding), 0);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("padding", padding);
        if (!type.startsWith("Zero")) {
            arguments.put("value", value);
        }
        return arguments;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = ModuleChecks.single(this, inputs);
        int pairs = padding.size() / 2;
        if (pairs > sample.rank()) {
            throw ModuleChecks.mismatch(
                    this,
                    "has padding %s for the last %d axes, but samples of shape %s have %d; the axis of the batch stays as it is. Leave out the last pairs."
                            .formatted(padding, pairs, sample, sample.rank()));
        }
        Shape output = sample;
        for (int axis = 0; axis < sample.rank(); axis++) {
            long size = sample.size(axis) + before(sample, axis) + behind(sample, axis);
            if (kept(sample, axis) < 1 || size < 1) {
                throw ModuleChecks.mismatch(
                        this,
                        "has padding %s, which leaves nothing of axis %d of samples of shape %s. Cut off less."
                                .formatted(padding, axis + 1, sample));
            }
            output = output.with(axis, size);
        }
        return ModuleDeclaration.output(output).shareJacobian();
    }

    /** How many elements are put before an axis of a sample; cut off if negative. */
    long before(Shape sample, int axis) {
        int index = 2 * (sample.rank() - 1 - axis);
        return index < padding.size() ? padding.get(index) : 0;
    }

    /** The same behind it. */
    long behind(Shape sample, int axis) {
        int index = 2 * (sample.rank() - 1 - axis) + 1;
        return index < padding.size() ? padding.get(index) : 0;
    }

    /** How many elements of the input the output has. */
    private long kept(Shape sample, int axis) {
        return sample.size(axis) + Math.min(0, before(sample, axis)) + Math.min(0, behind(sample, axis));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        Shape in = input.shape();
        Shape sample = in.dropFirst(1);
        Shape out = declare(List.of(sample)).output().prepend(in.size(0));
        return ParameterlessEvaluation.ofOneInput(
                moved(context, input, taken(in, sample), placed(out, sample), out, value),
                (forward, tangents) -> {
                    long columns = tangents.shape().size(0);
                    Shape from = in.prepend(columns);
                    Shape to = out.prepend(columns);
                    return moved(forward, tangents, taken(from, sample), placed(to, sample), to, 0);
                },
                (pullback, cotangents) -> {
                    long columns = cotangents.shape().size(0);
                    Shape from = out.prepend(columns);
                    Shape to = in.prepend(columns);
                    return moved(pullback, cotangents, placed(from, sample), taken(to, sample), to, 0);
                });
    }

    /** The part of a tensor with samples of shape {@code sample} that is kept. */
    private Region taken(Shape shape, Shape sample) {
        return region(shape, sample, -1);
    }

    /** Where it lies in the padded one. */
    private Region placed(Shape shape, Shape sample) {
        return region(shape, sample, 1);
    }

    private Region region(Shape shape, Shape sample, long sign) {
        Region region = Region.all(shape);
        int front = shape.rank() - sample.rank();
        for (int axis = 0; axis < sample.rank(); axis++) {
            long start = Math.max(0, sign * before(sample, axis));
            region = region.with(front + axis, start, kept(sample, axis));
        }
        return region;
    }

    /** Takes one region of a tensor and puts it into another of one that is filled otherwise. */
    private static Tensor moved(
            EvaluationContext context, Tensor source, Region from, Region to, Shape shape, double otherwise) {
        Indexing indexing = context.backend().indexing();
        Tensor result = context.scope().allocate(shape, source.dtype());
        if (from.shape().equals(source.shape())) {
            indexing.pad(source, to, otherwise, result);
        } else if (to.shape().equals(shape)) {
            indexing.extract(source, from, result);
        } else {
            try (TensorScope scope = context.backend().openScope()) {
                Tensor part = scope.allocate(from.shape(), source.dtype());
                indexing.extract(source, from, part);
                indexing.pad(part, to, otherwise, result);
            }
        }
        return result;
    }
}
