// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a box out of every sample, with Python's rules for indices and bounds.
 *
 * @param slices per axis an index or a range; the first is the batch, which stays whole, and so do axes without an
 *     entry
 */
public record Slice(List<Selection> slices) implements Module {

    /** What is taken of one axis. */
    public sealed interface Selection {}

    /**
     * One element; the axis disappears.
     *
     * @param position counted from the end if negative
     */
    public record Index(long position) implements Selection {}

    /**
     * Every {@code step}-th element from {@code start} (inclusive) to {@code stop} (exclusive), both counted from the
     * end if negative and cut to the axis.
     *
     * @param start 0 if null
     * @param stop the end if null
     * @param step 1 if null, else at least 1
     */
    public record Range(
            @Nullable Long start,
            @Nullable Long stop,
            @Nullable Long step) implements Selection {

        public Range {
            if (step != null && step < 1) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "The step of a slice is " + step + ", but must be at least 1.");
            }
        }

        /** The whole axis. */
        public Range() {
            this(null, null, null);
        }

        private boolean isWhole() {
            return (start == null || start == 0) && stop == null && (step == null || step == 1);
        }
    }

    public Slice {
        slices = List.copyOf(slices);
        boolean keepsBatch = !slices.isEmpty() && slices.get(0) instanceof Range range && range.isWhole();
        if (!keepsBatch) {
            throw ModuleChecks.invalid(
                    type(), "slices", slices, "a list whose first entry is [null, null, null]: the batch stays whole");
        }
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        List<@Nullable Object> selections = new ArrayList<>();
        for (Selection selection : slices) {
            selections.add(
                    selection instanceof Range range
                            ? Arrays.asList(range.start(), range.stop(), range.step())
                            : (Object) ((Index) selection).position());
        }
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("slices", selections);
        return arguments;
    }

    @Override
    public boolean isView() {
        return true;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape input = ModuleChecks.single(this, inputs);
        if (slices.size() > input.rank() + 1) {
            throw ModuleChecks.mismatch(
                    this,
                    "has %d slices, but the batch and samples of shape %s have %d axes together."
                            .formatted(slices.size(), input, input.rank() + 1));
        }
        return ModuleDeclaration.output(kept(region(input.prepend(1)).shape()).dropFirst(1))
                .shareJacobian();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        Shape shape = input.shape();
        Region region = region(shape);
        Tensor output = context.scope().allocate(kept(region.shape()), input.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            context.backend().indexing().extract(input, region, scope.view(output, region.shape()));
        }
        return ParameterlessEvaluation.ofOneInput(
                output, (forward, tangents) -> cut(forward, tangents, region), (pullback, cotangents) -> {
                    Shape full = shape.prepend(cotangents.shape().size(0));
                    return spread(pullback, cotangents, full, region);
                });
    }

    /** The region of every column. */
    private Tensor cut(EvaluationContext context, Tensor tangents, Region ofSamples) {
        long columns = tangents.shape().size(0);
        Region region = ofColumns(columns, ofSamples);
        Tensor result = context.scope().allocate(kept(ofSamples.shape()).prepend(columns), tangents.dtype());
        try (TensorScope scope = context.backend().openScope()) {
            context.backend().indexing().extract(tangents, region, scope.view(result, region.shape()));
        }
        return result;
    }

    /** Zeros of shape {@code full} with the cotangents in the region. */
    private static Tensor spread(EvaluationContext context, Tensor cotangents, Shape full, Region ofSamples) {
        Region region = ofColumns(full.size(0), ofSamples);
        Tensor result = context.scope().allocate(full, cotangents.dtype());
        context.backend().elementwise().fill(result, 0);
        try (TensorScope scope = context.backend().openScope()) {
            context.backend().indexing().insert(scope.view(cotangents, region.shape()), region, result);
        }
        return result;
    }

    private static Region ofColumns(long columns, Region ofSamples) {
        return new Region(
                inFront(0, ofSamples.starts()), inFront(1, ofSamples.steps()), inFront(columns, ofSamples.sizes()));
    }

    private static List<Long> inFront(long value, List<Long> values) {
        List<Long> more = new ArrayList<>(values);
        more.add(0, value);
        return more;
    }

    /** The region of a batch; axes with an index have size one in it. */
    private Region region(Shape batch) {
        List<Long> starts = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        List<Long> sizes = new ArrayList<>();
        for (int axis = 0; axis < batch.rank(); axis++) {
            long size = batch.size(axis);
            Selection selection = axis < slices.size() ? slices.get(axis) : new Range();
            if (selection instanceof Range range) {
                long start = bound(range.start(), 0, size);
                long stop = bound(range.stop(), size, size);
                long step = range.step() == null ? 1 : range.step();
                long count = start < stop ? (stop - start - 1) / step + 1 : 0;
                if (count == 0 && size > 0) {
                    throw ModuleChecks.mismatch(
                            this, "takes nothing of axis %d, which has size %d.".formatted(axis, size));
                }
                starts.add(start);
                steps.add(step);
                sizes.add(count);
            } else if (selection instanceof Index index) {
                starts.add(position(index.position(), axis, size));
                steps.add(1L);
                sizes.add(1L);
            }
        }
        return new Region(starts, steps, sizes);
    }

    private static long bound(@Nullable Long value, long otherwise, long size) {
        if (value == null) {
            return otherwise;
        }
        return Math.max(0, Math.min(size, value < 0 ? value + size : value));
    }

    private long position(long position, int axis, long size) {
        if (position < -size || position >= size) {
            throw ModuleChecks.mismatch(
                    this,
                    "takes element %d of axis %d, which has size %d: possible are %d to %d."
                            .formatted(position, axis, size, -size, size - 1));
        }
        return position < 0 ? position + size : position;
    }

    /** A region's shape without the axes that have an index. */
    private Shape kept(Shape region) {
        Shape kept = Shape.of();
        for (int axis = 0; axis < region.rank(); axis++) {
            boolean dropped = axis < slices.size() && slices.get(axis) instanceof Index;
            kept = dropped ? kept : kept.append(region.size(axis));
        }
        return kept;
    }
}
